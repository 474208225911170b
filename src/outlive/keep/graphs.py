"""Takes snapshots: reads the ``__dict__`` of mapped objects and nothing else, and follows their relationships."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias, cast

from sqlalchemy import ClauseElement, inspect
from sqlalchemy.orm import InstanceState, Mapper, QueryableAttribute, attributes
from sqlalchemy.orm.collections import collection_adapter

from outlive.keep.frozen import FrozenDict, FrozenList
from outlive.keep.layouts import Absent, Layout, Record, not_loaded
from outlive.keep.plans import STATE, Recipe, plan_of
from outlive.keep.snapshots import Snapshot
from outlive.lifecycle.errors import ObjectStateError
from outlive.sessions.objects import name_of

Values: TypeAlias = dict[str, Any]

_MANY = 1000
"""More recipes than that are not kept: a program may give each object an attribute with a name of its own."""
_SNAPSHOT: type[Snapshot[Any]] = Snapshot


@dataclass(frozen=True, slots=True)
class Want:
    """An attribute that a shape names.

    Attributes:
        shape: What is taken of the objects there, if it is a relationship.
        required: Whether it is an error if it is not loaded.
    """

    shape: Shape | None
    required: bool


class Shape(Protocol):
    """What is taken of the objects at one place."""

    def wanted(self, mapper: Mapper[Any]) -> Mapping[str, Want]:
        """By the names of mapped attributes; of an object of exactly this class."""
        ...


class _Place:
    """The objects at one place of a shape, each taken once."""

    def __init__(self, shape: Shape | None, absent: Absent) -> None:
        self.shape = shape
        self.absent = absent
        self.taken: dict[InstanceState[Any], Snapshot[Any]] = {}
        self.recipes: dict[type, dict[tuple[str, ...], Recipe]] = {}
        self.wanted: dict[type, Mapping[str, Want]] = {}
        self.expired: dict[tuple[int, frozenset[str]], Layout] = {}

    def recipe(self, obj: object, state: InstanceState[Any], names: tuple[str, ...]) -> Recipe:
        """How to take an object with these names in its ``__dict__``."""
        try:
            return self.recipes[type(obj)][names]
        except KeyError:
            pass
        plan = plan_of(state.mapper)
        if self.shape is None:
            # Shared by all calls.
            recipes, wanted = plan.recipes[self.absent], None
        else:
            recipes = self.recipes.get(type(obj), {})
            wanted = self.wanted[type(obj)] = self.shape.wanted(state.mapper)
            for name, want in wanted.items():
                if want.required and not plan.has(name, names):
                    expired = name in state.expired_attributes
                    raise not_loaded(plan.kind, state.key and state.key[1], name, expired=expired)
        self.recipes[type(obj)] = recipes
        if len(recipes) > _MANY:
            recipes.clear()
        if names not in recipes:
            recipes[names] = plan.recipe(self.absent, names, wanted)
        return recipes[names]

    def without(self, layout: Layout, names: frozenset[str]) -> Layout:
        """The layout of objects that have lost these columns."""
        if not names:
            return layout
        found = self.expired.get((id(layout), names))
        if found is None:
            found = self.expired[id(layout), names] = replace(layout, lost=tuple(sorted(names)))
        return found


class Taking:
    """One call of ``snapshot``.

    What relationships lead to is put on a list and not followed at once: a chain of objects may be longer than the
    stack is deep.
    """

    def __init__(self, *, omit: bool, copy: Callable[[Any], Any]) -> None:
        self.omit = omit
        self.copy = copy
        self.places: dict[Shape | None, _Place] = {}
        self.ahead: list[tuple[Values, str, Any, _Place, bool]] = []
        self.late: list[tuple[Values, str, Callable[[Any], Any], Any]] = []
        # They are replaced where a program brings instrumentation of its own.
        self.state_of, self.dict_of = attributes.instance_state, attributes.instance_dict

    def take(self, objs: Iterable[object], shape: Shape | None) -> list[Snapshot[Any]]:
        """Snapshots of mapped objects, in their order."""
        taken = self._take(objs, self._place(shape))
        while self.ahead:
            values, name, related, place, is_many = self.ahead.pop()
            if is_many:
                self._take_collection(values, name, related, place)
            else:
                values[name] = None if related is None else self._take([related], place)[0]
        # A set asks its members whether they are equal: by now they have their columns.
        for values, name, make, members in self.late:
            values[name] = make(members)
        return taken

    def _place(self, shape: Shape | None) -> _Place:
        if shape not in self.places:
            absent = Absent.OMITTED if self.omit else Absent.UNLOADED if shape is None else Absent.OUT_OF_SHAPE
            self.places[shape] = _Place(shape, absent)
        return self.places[shape]

    def _take(self, objs: Iterable[object], place: _Place) -> list[Snapshot[Any]]:
        """Snapshots of objects in their order, without what their relationships lead to."""
        # This loop is what the time goes into, per object less than the call of a function of its own.
        state_of, dict_of, taken = self.state_of, self.dict_of, place.taken
        found: list[Snapshot[Any]] = []
        kind: type | None = None
        names: list[str] = []
        recipe: Any = None
        for obj in objs:
            state = state_of(obj)
            if state in taken:
                found.append(taken[state])
                continue
            loaded, before = dict_of(obj), names
            names = [*loaded]
            if names != before or type(obj) is not kind:
                kind, recipe = type(obj), place.recipe(obj, state, tuple(names))
            key, layout = state.key, recipe.layout
            if recipe.plain and key and not state.committed_state:
                values = loaded.copy()
                del values[STATE]
            else:
                layout, values = self._values(obj, state, recipe, place)
            # Made as what lets its attributes be set.
            record: Any = Record()
            record.outlive_layout = layout
            record.outlive_identity = key and key[1]
            record.__dict__ = values
            record.__class__ = _SNAPSHOT
            taken[state] = record
            found.append(record)
        return found

    def _values(self, obj: object, state: InstanceState[Any], recipe: Recipe, place: _Place) -> tuple[Layout, Values]:
        """The layout and the values of a snapshot for which a copy of ``__dict__`` would not do."""
        loaded, layout = self.dict_of(obj), recipe.layout
        if recipe.exact:
            values = loaded.copy()
            del values[STATE]
        else:
            values = {name: loaded[name] for name in (*layout.columns, *layout.relations)}
        for name in layout.relations:
            shape = None if place.shape is None else place.wanted[type(obj)][name].shape
            self.ahead.append((values, name, values.pop(name), self._place(shape), name in recipe.collections))
        is_sure = recipe.sure and state.key and not state.committed_state
        if not is_sure and not recipe.atoms.issuperset(map(type, values.values())):
            self._copy(state, recipe, values)
        if recipe.lacking and state.expired_attributes:
            layout = place.without(layout, recipe.lacking.intersection(state.expired_attributes))
        return layout, values

    def _take_collection(self, values: Values, name: str, related: Any, place: _Place) -> None:
        if isinstance(related, Mapping):
            items = cast("Mapping[object, object]", related)
            keys = [self._take([key], place)[0] if _is_mapped(key) else key for key in items]
            members = self._take(items.values(), place)
            self.late.append((values, name, FrozenDict, zip(keys, members, strict=True)))
        elif isinstance(related, AbstractSet):
            members = self._take(cast("AbstractSet[object]", related), place)
            self.late.append((values, name, frozenset, members))
        else:
            objs = cast("Iterable[object]", related if isinstance(related, list) else collection_adapter(related))
            # SQLAlchemy lets a collection have a None until the flush, which refuses it.
            members = self._take((obj for obj in objs if obj is not None), place)
        values[name] = FrozenList(members)

    def _copy(self, state: InstanceState[Any], recipe: Recipe, values: Values) -> None:
        for name, value in values.items():
            if type(value) in recipe.atoms:
                continue
            if isinstance(value, (ClauseElement, QueryableAttribute)):
                what = f"{state.class_.__name__}.{name} of {name_of(state)} is a SQL expression"
                raise ObjectStateError(
                    f"{what} that the database has yet to compute: session.flush() and load it first"
                )
            try:
                values[name] = self.copy(value)
            except Exception as error:
                error.add_note(f"while {state.class_.__name__}.{name} of {name_of(state)} was copied for a snapshot")
                raise


def _is_mapped(key: object) -> bool:
    return isinstance(inspect(key, raiseerr=False), InstanceState)
