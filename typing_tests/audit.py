from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, assert_type

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, scoped_session

import outlive
from outlive import Audit, Cause, audit, expired, unloaded


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    items: Mapped[list[Order]] = relationship()


def one_object(order: Order) -> None:
    assert_type(unloaded(order), Mapping[str, Cause])
    assert_type(expired(order)["items"], Cause)
    assert_type("items" in outlive.unloaded(order), bool)


def what_can_be_audited(
    session: Session,
    scoped: scoped_session[Session],
    async_session: AsyncSession,
    async_scoped: async_scoped_session[AsyncSession],
    orders: Iterable[Order],
) -> None:
    assert_type(audit(session), Audit)
    assert_type(audit(scoped), Audit)
    assert_type(audit(async_session), Audit)
    assert_type(audit(async_scoped), Audit)
    assert_type(audit(orders), Audit)
    assert_type(audit(session.scalars(select(Order))), Audit)
    assert_type(outlive.audit(Order()), Audit)


def what_an_audit_is(found: Audit) -> None:
    assert_type(len(found), int)
    assert_type(bool(found), bool)
    assert_type(str(found), str)
    assert_type(found.to_json(), str)
    found.raise_if_unsafe()
    found.raise_if_unsafe(Order.items, Order.id, ignore=[Order.id])
    for entry in found:
        assert_type(entry.entity, type[Any])
        assert_type(entry.identity_key, tuple[object, ...] | None)
        assert_type(entry.attribute, str)
        assert_type(entry.cause, Cause)
    for row in found.rows:
        assert_type(row.identity_keys, tuple[tuple[object, ...] | None, ...])
