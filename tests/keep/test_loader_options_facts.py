"""What ``loader_options`` relies on in SQLAlchemy and pydantic."""

from __future__ import annotations

import dataclasses

import pytest
from pydantic import ValidationError
from sqlalchemy import Engine, event, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, load_only, selectinload

from outlive import loader_options
from outlive.keep.options import DEPTH
from tests.keep.responses import Out, respond
from tests.store import Employee, Item, Order, statements


class Tree(Out):
    children: list[Tree]


class BackToOrder(Out):
    order: OrderWithItems


class OrderWithItems(Out):
    items: list[BackToOrder]


class EnoughError(Exception):
    """Of the statements."""


def test_pydantic_reads_no_deeper_than_the_options_load():
    @dataclasses.dataclass
    class Node:
        children: list[Node]

    tree = Node([])
    for _ in range(DEPTH):
        tree = Node([tree])

    with pytest.raises(ValidationError, match="Recursion error"):
        Tree.model_validate(tree)


def test_sqlalchemy_follows_a_cycle_in_the_rows_without_end(engine: Engine):
    with Session(engine) as session:
        session.get(Employee, 1).boss_id = 2
        session.commit()
    sent: list[str] = []

    @event.listens_for(engine, "before_cursor_execute")
    def count(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)
        if len(sent) > 4 * DEPTH:
            raise EnoughError

    with Session(engine) as session, pytest.raises(EnoughError):
        session.scalars(select(Employee).options(selectinload(Employee.reports, recursion_depth=-1))).all()


def test_load_only_takes_the_protection_of_a_column_away(engine: Engine):
    with Session(engine) as session:
        order = session.scalars(select(Order).options(load_only(Order.state))).first()

        assert "hidden" == order.secret


@pytest.mark.filterwarnings("ignore:Dialect sqlite.* does not support updated rowcount")  # before SQLAlchemy 2.0.3
def test_load_only_leaves_the_version_to_be_fetched_when_it_is_too_late(engine: Engine):
    with Session(engine) as session:
        order = session.scalars(select(Order).options(load_only(Order.state)).where(Order.id == 1)).one()
        order.state = "sent"
        with statements(engine) as sent:
            session.commit()

    assert ["SELECT", "UPDATE"] == [statement.split()[0] for statement in sent]


def test_postgresql_locks_no_outer_side_of_a_join(engine: Engine):
    if engine.dialect.name != "postgresql":
        pytest.skip("locks what an outer join has found, or no rows")

    class OrderOut(Out):
        state: str

    class ItemOut(Out):
        order: OrderOut

    with Session(engine) as session, pytest.raises(DBAPIError, match="nullable side of an outer join"):
        session.scalars(select(Item).with_for_update().options(*loader_options(Item, ItemOut))).all()
    assert 6 == len(respond(engine, Item, ItemOut, select(Item).with_for_update(of=Item)).converted)


def test_a_streamed_result_loses_the_rows_behind_a_statement_of_selectinload(engine: Engine):
    if engine.dialect.name != "mariadb":
        pytest.skip("another statement may go in between")
    streamed = select(Order).order_by(Order.id).options(selectinload(Order.items)).execution_options(yield_per=2)
    with Session(engine) as session:
        with pytest.warns(UserWarning, match="unbuffered result was left incomplete"):
            assert [1, 2] == [order.id for order in session.scalars(streamed)]
        assert 3 == session.scalar(select(func.count()).select_from(Order))


def test_pydantic_refuses_an_object_that_it_meets_again_within_itself(engine: Engine):
    with Session(engine) as session, pytest.raises(ValidationError, match="Recursion error"):
        OrderWithItems.model_validate(session.get(Order, 1))


def test_pydantic_does_not_read_an_object_into_a_dataclass(engine: Engine):
    @dataclasses.dataclass
    class OrderData:
        state: str

    class ItemOut(Out):
        order: OrderData

    with pytest.raises(ValidationError, match="dataclass_type"):
        respond(engine, Item, ItemOut)
