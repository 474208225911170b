"""``snapshot``: frozen values of mapped objects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeAlias, TypeVar, overload

from sqlalchemy import inspect
from sqlalchemy.orm import InstanceState, Mapper

from outlive.keep.conversion import converted
from outlive.keep.frozen import frozen, thawed
from outlive.keep.graphs import Taking
from outlive.keep.schemas import is_schema
from outlive.keep.shapes import Path, SchemaShape, path_shape
from outlive.keep.snapshots import Snapshot
from outlive.sessions.objects import as_list, states_of

T = TypeVar("T")
S = TypeVar("S")
Unloaded: TypeAlias = Literal["raise", "omit"]
Paths: TypeAlias = Path | list[Path]


# An iterable is an object too: the first overload that fits counts.
@overload
def snapshot(  # type: ignore[overload-overlap]  # pyright: ignore[reportOverlappingOverload]
    obj_or_objs: Iterable[T], shape: Paths | None = None, *, unloaded: Unloaded = "raise"
) -> list[Snapshot[T]]: ...


@overload
def snapshot(obj_or_objs: Iterable[object], shape: type[S], *, unloaded: Unloaded = "raise") -> list[S]: ...


@overload
def snapshot(obj_or_objs: object, shape: type[S], *, unloaded: Unloaded = "raise") -> S: ...


@overload
def snapshot(obj_or_objs: T, shape: Paths | None = None, *, unloaded: Unloaded = "raise") -> Snapshot[T]: ...


def snapshot(obj_or_objs: object, shape: Any = None, *, unloaded: Unloaded = "raise") -> Any:
    """Take the values of mapped objects, to outlive their session.

    ::

        snap = snapshot(order)
        snap.items[0].product.name
        snapshot(orders, [Order.id, (Order.items, Item.quantity)])
        snapshot(order, OrderOut)

    Whatever is loaded is taken, related objects included, each once; whatever is not stays out.  No SQL is emitted, no
    property, hybrid or method is run, and the objects may be in any state, with a session or without.

    Args:
        obj_or_objs: A mapped object, or any iterable of them; for these a list in the same order is returned.
        shape: What to take.  Without it, all that is loaded.  A list of attributes, a tuple standing for a chain: just
            what these name, and with a relationship at the end of a path the loaded columns of its objects.  A pydantic
            model, a dataclass or a ``msgspec.Struct``: then instances of that are returned.
        unloaded: What happens to attributes that are not loaded.  With ``"raise"`` reading one from the snapshot is a
            ``NotLoadedError``, and taking one that the shape names is so at once.  With ``"omit"`` it is as if the
            class did not have them: reading one is an ``AttributeError``, and a schema uses its default.

    Raises:
        NotLoadedError: The shape needs what is not loaded; names object, attribute and remedy.
        ObjectStateError: An attribute has a SQL expression for a value, before the flush.
        SchemaError: A schema needs what the class does not have or only code can compute.
        ValidationError: pydantic's own.
        sqlalchemy.exc.ArgumentError: A path names no attribute of the objects.
        sqlalchemy.orm.exc.UnmappedInstanceError: Not a mapped object, or not all of them are.
    """
    if unloaded not in {"raise", "omit"}:
        raise ValueError(f"unloaded is 'raise' or 'omit', not {unloaded!r}")
    objs = as_list(obj_or_objs)
    if not all(isinstance(inspect(kind, raiseerr=False), Mapper) for kind in set(map(type, objs))):
        states_of(objs)  # raises, and says which one it is
    taken = _taken(objs, shape, omit=unloaded == "omit")
    return taken[0] if isinstance(inspect(obj_or_objs, raiseerr=False), InstanceState) else taken


def _taken(objs: list[object], shape: Any, *, omit: bool) -> Sequence[Any]:
    if shape is None:
        return Taking(omit=omit, copy=frozen).take(objs, None)
    if is_schema(shape):
        # Its instances are the user's to change.
        taking = Taking(omit=omit, copy=lambda value: thawed(frozen(value)))
        return converted(taking.take(objs, SchemaShape(omit, (shape,))), shape)
    return Taking(omit=omit, copy=frozen).take(objs, path_shape(shape, required=not omit))
