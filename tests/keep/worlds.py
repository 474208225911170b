"""Objects of every mapping, and what can happen to them."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, delete, func, inspect, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import (
    Mapper,
    Session,
    make_transient,
    make_transient_to_detached,
    selectinload,
    undefer,
)

from outlive import Cause
from tests import corners, store

CHANGES: dict[type[Any], tuple[str, object]] = {
    store.Customer: ("name", "Grace"),
    store.Order: ("state", "paid"),
    store.Item: ("quantity", 7),
    store.Product: ("price", 70),
    store.Employee: ("name", "Alan"),
    store.Coupon: ("code", "HALF"),
    store.Supplier: ("name", "Emca"),
    corners.Town: ("label", "city"),
    corners.Street: ("name", "Broadway"),
    corners.Animal: ("name", "Tom"),
}


@dataclass
class World:
    """A session with all objects of a model, held."""

    session: Session
    base: type[Any]
    objs: list[Any] = field(default_factory=list)

    @property
    def roots(self) -> list[type[Any]]:
        """The classes that a query can be about: without those that come with their base class."""
        return [it.class_ for it in self.base.registry.mappers if it.inherits is None or it.concrete]

    @property
    def classes(self) -> set[type[Any]]:
        return {it.class_ for it in self.base.registry.mappers}

    def changed(self) -> list[Any]:
        return [obj for obj in self.objs if any(isinstance(obj, class_) for class_ in CHANGES)]

    def change(self) -> None:
        for obj in self.changed():
            name, value = next(change for class_, change in CHANGES.items() if isinstance(obj, class_))
            setattr(obj, name, value)

    def load(self, with_options: Callable[[type[Any]], Select[Any]] = select, **options: Any) -> list[Any]:
        return [
            obj
            for root in self.roots
            for obj in self.session.scalars(with_options(root), execution_options=options).unique()
        ]


def everything(class_: type[Any]) -> Select[Any]:
    """A query that loads what it can."""
    mapper: Mapper[Any] = inspect(class_)
    return select(class_).options(
        *(
            selectinload(getattr(class_, it.key))
            for it in mapper.relationships
            if it.lazy not in {"dynamic", "write_only"}
        ),
        *(undefer(getattr(class_, it.key)) for it in mapper.column_attrs if it.deferred),
    )


# --- what can happen


def nothing(world: World) -> None:
    pass


def commit(world: World) -> None:
    world.session.commit()


def rollback(world: World) -> None:
    world.session.rollback()


def flush_changes(world: World) -> None:
    world.change()
    world.session.flush()


def flush_sql(world: World) -> None:
    for obj in world.changed():
        name, _ = next(change for class_, change in CHANGES.items() if isinstance(obj, class_))
        column = getattr(type(obj), name)
        setattr(obj, name, func.coalesce(column, column))
    world.session.flush()


def change_without_flush(world: World) -> None:
    world.change()


def commit_changes(world: World) -> None:
    world.change()
    world.session.commit()


def close(world: World) -> None:
    world.session.close()


def commit_and_close(world: World) -> None:
    world.session.commit()
    world.session.close()


def expunge(world: World) -> None:
    for obj in world.objs:
        if obj in world.session:
            world.session.expunge(obj)


def expire(world: World) -> None:
    for obj in world.objs:
        world.session.expire(obj)


def expire_columns(world: World) -> None:
    for obj in world.objs:
        world.session.expire(obj, (it.key for it in inspect(obj).mapper.column_attrs))


def expire_relationships(world: World) -> None:
    for obj in world.objs:
        names = [it.key for it in inspect(obj).mapper.relationships if it.lazy not in {"dynamic", "write_only"}]
        if names:
            world.session.expire(obj, names)


def expire_all(world: World) -> None:
    world.session.expire_all()


def refresh(world: World) -> None:
    for obj in world.objs:
        world.session.refresh(obj)


def first_column(obj: object) -> str:
    return next(iter(inspect(obj).mapper.column_attrs)).key


def refresh_one_column(world: World) -> None:
    for obj in world.objs:
        world.session.refresh(obj, [first_column(obj)])


def commit_and_refresh(world: World) -> None:
    world.session.commit()
    refresh(world)


def commit_and_read(world: World) -> None:
    world.session.commit()
    for obj in world.objs:
        getattr(obj, first_column(obj))


def rollback_and_read(world: World) -> None:
    world.session.rollback()
    for obj in world.objs:
        world.session.refresh(obj, [it.key for it in inspect(obj).mapper.column_attrs if not it.deferred])


def select_again(world: World) -> None:
    world.load()


def select_everything_again(world: World) -> None:
    world.load(everything)


def populate_existing(world: World) -> None:
    world.load(populate_existing=True)


def bulk_update(world: World) -> None:
    for class_, (name, value) in CHANGES.items():
        if class_ in world.classes:
            world.session.execute(update(class_).values({name: value}))


def bulk_update_in_sql(world: World) -> None:
    for class_, (name, _) in CHANGES.items():
        if class_ in world.classes:
            column = getattr(class_, name)
            world.session.execute(update(class_).values({name: func.coalesce(column, column)}))


def bulk_delete_of_what_is_partly_expired(world: World) -> None:
    for class_, name in [(store.Coupon, "code"), (corners.Street, "surface")]:
        if class_ in world.classes:
            for obj in world.objs:
                if isinstance(obj, class_):
                    world.session.expire(obj, [name])
            unequal = getattr(class_, name) != "x"
            world.session.execute(delete(class_).where(unequal), execution_options={"synchronize_session": "evaluate"})


def release_savepoint(world: World) -> None:
    with world.session.begin_nested():
        pass


def release_savepoint_with_changes(world: World) -> None:
    with world.session.begin_nested():
        world.change()


def roll_savepoint_back(world: World) -> None:
    world.session.begin_nested().rollback()


def roll_savepoint_with_changes_back(world: World) -> None:
    savepoint = world.session.begin_nested()
    flush_changes(world)
    savepoint.rollback()


def roll_savepoint_with_pending_changes_back(world: World) -> None:
    savepoint = world.session.begin_nested()
    world.change()
    savepoint.rollback()


def fail_to_flush(world: World) -> None:
    class_ = store.Coupon if world.base is store.Base else corners.Country
    with warnings.catch_warnings(), suppress(IntegrityError):
        warnings.simplefilter("ignore")  # SQLAlchemy says that the new object has the key of another
        double = class_(code="A") if class_ is store.Coupon else class_(name="A")
        double.id = 1
        world.session.add(double)
        world.session.flush()
    world.session.rollback()


def fail_in_a_savepoint(world: World) -> None:
    with suppress(ZeroDivisionError), world.session.begin_nested():
        flush_changes(world)
        raise ZeroDivisionError


def fail_in_a_block(world: World) -> None:
    world.session.commit()
    with suppress(ZeroDivisionError), world.session.begin():
        world.load(everything)
        raise ZeroDivisionError


def end_a_block(world: World) -> None:
    world.session.commit()
    with world.session.begin():
        world.load(everything)


def delete_and_flush(world: World) -> None:
    for obj in leaves(world):
        world.session.delete(obj)
    world.session.flush()


def delete_and_commit(world: World) -> None:
    delete_and_flush(world)
    world.session.commit()


def delete_and_rollback(world: World) -> None:
    delete_and_flush(world)
    world.session.rollback()


def leaves(world: World) -> list[Any]:
    """Objects that nothing refers to."""
    kinds = (store.Coupon, store.Box, store.Supplier, store.Engineer, corners.Street, corners.Puppy, corners.Boat)
    return [obj for obj in world.objs if isinstance(obj, kinds)]


def new_objects(world: World) -> list[Any]:
    if world.base is store.Base:
        order = store.Order(state="new")
        return [
            order,
            store.Item(order=order, position=9),
            store.Customer(name="Linus"),
            store.Engineer(name="Ken"),
            store.Manager(name="Brian"),
            store.Coupon(code="NEW"),
            store.Supplier("new"),
            store.Box(label="new"),
        ]
    town = corners.Town(label="new")
    return [town, corners.Street(name="new", town=town), corners.Boat(name="new"), corners.Puppy(name="new")]


def be_transient(world: World) -> None:
    world.objs += new_objects(world)


def add(world: World) -> None:
    world.objs += (new := new_objects(world))
    world.session.add_all(new)


def add_and_flush(world: World) -> None:
    add(world)
    world.session.flush()


def add_and_commit(world: World) -> None:
    add(world)
    world.session.commit()


def add_flush_and_roll_back(world: World) -> None:
    add_and_flush(world)
    world.session.rollback()


def add_and_roll_savepoint_back(world: World) -> None:
    savepoint = world.session.begin_nested()
    add_and_flush(world)
    savepoint.rollback()


def append_through_backrefs(world: World) -> None:
    for obj in list(world.objs):
        if isinstance(obj, store.Order):
            world.objs.append(store.Item(order=obj, position=9))
        if isinstance(obj, corners.Town):
            world.objs.append(corners.Street(name="new", town=obj))
    world.session.add_all(world.objs)


def assign_relationships(world: World) -> None:
    with world.session.no_autoflush:
        for obj in world.objs:
            if isinstance(obj, store.Order):
                obj.customer = None
                obj.invoice = store.Invoice()


def del_values(world: World) -> None:
    for obj in world.changed():
        name, _ = next(change for class_, change in CHANGES.items() if isinstance(obj, class_))
        delattr(obj, name)


def expire_and_del_values(world: World) -> None:
    world.session.expire_all()
    del_values(world)


def merge_detached(world: World) -> None:
    world.session.expunge_all()
    with world.session.no_autoflush:
        world.objs += [world.session.merge(obj) for obj in world.objs]


def merge_expired(world: World) -> None:
    expire_columns(world)
    merge_detached(world)


def merge_without_load(world: World) -> None:
    expire_relationships(world)
    world.session.expunge_all()
    world.objs += [world.session.merge(obj, load=False) for obj in world.objs]


def merge_incomplete_without_load(world: World) -> None:
    for obj in world.changed():
        name, _ = next(change for class_, change in CHANGES.items() if isinstance(obj, class_))
        world.session.expire(obj, [name])
    merge_without_load(world)


def become_transient(world: World) -> None:
    for obj in world.objs:
        make_transient(obj)


def become_detached(world: World) -> None:
    for number, obj in enumerate(new_objects(world), 900):
        if not isinstance(obj, store.Item):
            obj.id = number
            make_transient_to_detached(obj)
        world.objs.append(obj)


def become_attached(world: World) -> None:
    become_detached(world)
    world.session.add_all(world.objs)


def pickled(world: World) -> None:
    world.objs[:] = pickle.loads(pickle.dumps(world.objs))


def expire_and_pickle(world: World) -> None:
    world.session.expire_all()
    pickled(world)


def select_from_text(world: World) -> None:
    world.session.expunge_all()
    class_, columns = (
        (store.Order, "id, version FROM orders") if world.base is store.Base else (corners.Town, "id FROM town")
    )
    world.objs[:] = world.session.scalars(select(class_).from_statement(text(f"SELECT {columns}")))


OPERATIONS: dict[Callable[[World], None], set[Cause]] = {
    nothing: set(),
    commit: {Cause.COMMIT},
    rollback: {Cause.ROLLBACK},
    flush_changes: {Cause.FLUSH},
    flush_sql: {Cause.FLUSH},
    change_without_flush: set(),
    commit_changes: {Cause.COMMIT, Cause.FLUSH},
    close: set(),
    commit_and_close: {Cause.COMMIT},
    expunge: set(),
    expire: {Cause.EXPIRE},
    expire_columns: {Cause.EXPIRE},
    expire_relationships: {Cause.EXPIRE},
    expire_all: {Cause.EXPIRE_ALL},
    refresh: {Cause.REFRESH},
    refresh_one_column: {Cause.REFRESH},
    commit_and_refresh: {Cause.COMMIT, Cause.REFRESH},
    commit_and_read: {Cause.COMMIT},
    rollback_and_read: {Cause.ROLLBACK, Cause.REFRESH},
    select_again: set(),
    select_everything_again: set(),
    populate_existing: set(),
    bulk_update: {Cause.BULK_UPDATE},
    bulk_update_in_sql: {Cause.BULK_UPDATE},
    bulk_delete_of_what_is_partly_expired: {Cause.BULK_DELETE},
    release_savepoint: set(),
    release_savepoint_with_changes: {Cause.FLUSH},
    roll_savepoint_back: set(),
    roll_savepoint_with_changes_back: {Cause.FLUSH, Cause.ROLLBACK},
    roll_savepoint_with_pending_changes_back: {Cause.ROLLBACK},
    fail_to_flush: {Cause.ROLLBACK},
    fail_in_a_savepoint: {Cause.FLUSH, Cause.ROLLBACK},
    fail_in_a_block: {Cause.ROLLBACK},
    end_a_block: {Cause.COMMIT},
    delete_and_flush: set(),
    delete_and_commit: {Cause.COMMIT},
    delete_and_rollback: {Cause.ROLLBACK},
    be_transient: set(),
    add: set(),
    add_and_flush: {Cause.FLUSH},
    add_and_commit: {Cause.COMMIT},
    add_flush_and_roll_back: {Cause.FLUSH, Cause.ROLLBACK},
    add_and_roll_savepoint_back: {Cause.FLUSH},
    append_through_backrefs: set(),
    assign_relationships: set(),
    del_values: set(),
    expire_and_del_values: {Cause.EXPIRE_ALL},
    merge_detached: set(),
    merge_expired: {Cause.EXPIRE},
    merge_without_load: {Cause.EXPIRE},
    merge_incomplete_without_load: {Cause.EXPIRE, Cause.MERGE},
    become_transient: set(),
    become_detached: set(),
    become_attached: set(),
    pickled: set(),
    expire_and_pickle: {Cause.EXPIRE_ALL, Cause.UNKNOWN},
    select_from_text: {Cause.UNKNOWN},
}
"""Each with what may erase values in the course of it, where the session is one of ours and expires on commit."""
