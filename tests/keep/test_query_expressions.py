"""What a query has computed for an object stays: no other statement can compute it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import inspect, select, text
from sqlalchemy import orm as sqlalchemy_orm
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    column_property,
    mapped_column,
    query_expression,
    with_expression,
)

import outlive
from outlive import ensure_loaded, refresh_all
from tests.databases import MEMORY


class Base(DeclarativeBase):
    """Of this module alone."""


class Parcel(Base):
    __tablename__ = "parcel"

    id: Mapped[int] = mapped_column(primary_key=True)
    weight: Mapped[int]
    excess: Mapped[int | None] = query_expression()


Parcel.double = column_property(Parcel.weight * 2)  # type: ignore[attr-defined]


@pytest.fixture(params=[sqlalchemy_orm.sessionmaker, outlive.sessionmaker], ids=["SQLAlchemy's", "ours"])
def session(request: pytest.FixtureRequest) -> Iterator[Session]:
    with MEMORY.engine() as engine, request.param(engine)() as session:
        Base.metadata.create_all(session.connection())
        session.add(Parcel(weight=5))
        session.commit()
        yield session


@pytest.fixture
def parcel(session: Session) -> Parcel:
    return session.scalars(select(Parcel).options(with_expression(Parcel.excess, Parcel.weight - 3))).one()


def test_a_refresh_of_all_leaves_it_and_reads_what_the_mapping_computes(session: Session, parcel: Parcel):
    session.execute(text("UPDATE parcel SET weight = 7"))

    refresh_all(session, parcel)

    assert (7, 14, 2) == (parcel.weight, parcel.double, parcel.excess)


def test_naming_it_is_an_error_before_anything_is_read(session: Session, parcel: Parcel):
    session.expire(parcel, ["weight"])

    with pytest.raises(ArgumentError, match=r"Parcel\.excess is a query_expression"):
        ensure_loaded(session, parcel, Parcel.weight, Parcel.excess)
    with pytest.raises(ArgumentError, match=r"Parcel\.excess is a query_expression"):
        refresh_all(session, parcel, ["weight", "excess"])

    assert {"weight"} == inspect(parcel).expired_attributes
