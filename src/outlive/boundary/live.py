"""Mapped objects inside other values: found without reading, comparing or printing any of them."""

from __future__ import annotations

import marshal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, is_dataclass
from types import BuiltinFunctionType, CellType, FunctionType, MethodType, ModuleType
from typing import Any, TypeAlias, cast

from sqlalchemy import Row
from sqlalchemy.orm import InstanceState
from sqlalchemy.orm.attributes import get_history
from sqlalchemy.orm.base import PASSIVE_NO_INITIALIZE

from outlive.keep.frozen import ATOMS
from outlive.keep.layouts import Record
from outlive.keep.references import Reference

Values: TypeAlias = Iterable[tuple[str, Any]]
"""Each with its name in the message of an error."""
_ATOMS = ATOMS | {range, bytearray, memoryview, type, ModuleType, BuiltinFunctionType, Reference}
_NOTHING: tuple[type, ...] = (str, bytes, bytearray, memoryview, range, Record)
_READS_ITSELF = ("__reduce__", "__reduce_ex__", "__getstate__")


@dataclass(frozen=True, slots=True)
class Live:
    """A mapped object inside other values.

    Attributes:
        path: Where, as one would write it: ``args[0]['lines'][2]``.
        state: SQLAlchemy's state of it.
    """

    path: str
    state: InstanceState[Any]


def plain(value: Any) -> bytes | None:
    """Plain data as bytes in which its ASCII texts stand as they are; ``None`` for anything else.

    A look at every part in Python would take as long as the queue's own work.  marshal, which takes the built-in types
    and none of their subclasses, looks in C.
    """
    try:
        return marshal.dumps(value)
    except ValueError:
        return None


def state_within(value: object) -> InstanceState[Any] | None:
    """The state of a mapped object, also behind a proxy like Flask's ``current_user``; ``None`` for any other value."""
    kind = type(value)
    if kind in _ATOMS:
        return None
    if not hasattr(kind, "_sa_class_manager"):
        # A proxy says that it is of the class of what it stands for; a mock may say what it likes.
        claimed: Any = _claimed_class(value)
        if claimed is kind or not hasattr(cast("object", claimed), "_sa_class_manager"):
            return None
    state: InstanceState[Any] | None = getattr(value, "_sa_instance_state", None)
    return state if isinstance(state, InstanceState) else None


def live_objects(values: Values, *, pickled: bool = True) -> list[Live]:
    """The mapped objects inside values, in the order in which one reads them, each place once.

    Looks into containers, dataclasses and pydantic models; into no generator.

    Args:
        values: The values.
        pickled: Look also into what else pickle would take apart: objects of any class that does not pickle itself in
            its own way.
    """
    found: list[Live] = []
    seen: dict[int, object] = {}
    ahead = deque(values)
    while ahead:
        path, value = ahead.popleft()
        if type(value) in _ATOMS or id(value) in seen:
            continue
        state = state_within(value)
        if state is not None:
            found.append(Live(path, state))
            continue
        # Held, for another object could get the same id.
        seen[id(value)] = value
        ahead.extendleft(reversed(list(parts_of(path, value, pickled=pickled))))
    return found


def captured(function: object, name: str) -> Iterator[tuple[str, Any]]:
    """What a callable brings with it: its closure, its defaults, what ``partial`` has bound, the object of a method."""
    if not isinstance(function, (FunctionType, type)) and hasattr(function, "__self__"):
        yield f"{name}.__self__", cast("Any", function).__self__
        function = getattr(function, "__func__", None)
    if isinstance(function, FunctionType):
        cells: Sequence[CellType] = function.__closure__ or ()
        for variable, cell in zip(function.__code__.co_freevars, cells, strict=True):
            try:
                yield f"{name} (its variable {variable})", cell.cell_contents
            except ValueError:
                continue  # not assigned yet
        yield f"{name}.__defaults__", (function.__defaults__, function.__kwdefaults__)
    elif hasattr(function, "func") and hasattr(function, "keywords"):
        bound = cast("Any", function)
        yield from captured(bound.func, f"{name}.func")
        yield f"{name}.args", bound.args
        yield f"{name}.keywords", bound.keywords


def changes_of(state: InstanceState[Any]) -> list[str]:
    """The attributes of an object that were set to another value and not flushed."""
    obj = state.obj()
    changed = (name for name in state.committed_state if get_history(obj, name, PASSIVE_NO_INITIALIZE).has_changes())
    return sorted(changed)


def parts_of(path: str, value: Any, *, pickled: bool) -> Values:
    """What a value consists of."""
    if isinstance(value, _NOTHING):
        return ()
    if isinstance(value, Mapping):
        return _items_of(path, cast("Mapping[object, object]", value))
    if isinstance(value, (Row, Sequence, deque)):
        members = cast("Sequence[object]", value)
        return ((f"{path}[{index}]", member) for index, member in enumerate(members))
    if isinstance(value, AbstractSet):
        return ((f"{path}{{...}}", member) for member in cast("AbstractSet[object]", value))
    if isinstance(value, (type, FunctionType, MethodType)):
        return ()
    is_record = is_dataclass(value) or hasattr(cast("Any", type(value)), "__pydantic_fields__")
    if (pickled or is_record) and (fields := _fields_of(value)) is not None:
        return ((f"{path}.{name}", part) for name, part in fields)
    return ()


def _items_of(path: str, items: Mapping[object, object]) -> Iterator[tuple[str, object]]:
    for key, member in items.items():
        # The repr of any other key could run code of the user's.
        name = repr(key) if isinstance(key, (str, int)) else "..."
        yield f"{path} (a key)", key
        yield f"{path}[{name}]", member


def _fields_of(value: Any) -> list[tuple[str, object]] | None:
    """What pickle would find in an object without a ``__reduce__`` of its own; pydantic's models have one."""
    kind = cast("Any", type(value))
    names: Sequence[str] | None = getattr(kind, "__struct_fields__", None)
    if names is None:
        is_model = hasattr(kind, "__pydantic_fields__")
        if not is_model and any(getattr(kind, name, None) is not getattr(object, name, None) for name in _READS_ITSELF):
            return None
        names = [name for base in kind.__mro__ for name in _slots_of(base) if not name.startswith("__")]
    held: dict[str, object] = getattr(value, "__dict__", {})
    more: dict[str, object] = (value.__pydantic_extra__ or {}) if hasattr(kind, "__pydantic_fields__") else {}
    missing = object()
    slots = ((name, getattr(value, name, missing)) for name in names)
    return [*held.items(), *more.items(), *((name, part) for name, part in slots if part is not missing)]


def _slots_of(kind: type) -> Sequence[str]:
    slots: Any = kind.__dict__.get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _claimed_class(value: object) -> Callable[..., Any]:
    try:
        return value.__class__
    except Exception:  # noqa: BLE001  a proxy with nothing behind it raises what it likes
        return type(value)
