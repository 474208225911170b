"""The objects that a merge reaches from the given ones, without asking the database."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy.orm import InstanceState, Mapper, RelationshipProperty, Session
from sqlalchemy.orm.attributes import instance_state, set_committed_value
from sqlalchemy.orm.collections import collection_adapter

from outlive.lifecycle.errors import ObjectStateError
from outlive.sessions.mapped import key_names, once
from outlive.sessions.objects import is_persistent_in, name_of

Relation: TypeAlias = RelationshipProperty[Any]
Key: TypeAlias = tuple[type[Any], tuple[Any, ...], Any]
State: TypeAlias = InstanceState[Any]


@dataclass(frozen=True, slots=True)
class Graph:
    """What a merge of some objects reads.

    Attributes:
        copies: Objects that have an identity, with their identity keys, the given ones first.
        new: Objects that have none, with the identity keys that some of them bring along.
        followed: The relationships that lead from one to the next, each with the objects that have it loaded.
        parents: For each object those from which a relationship leads to it.
    """

    copies: Mapping[State, Key]
    new: Mapping[State, Key | None]
    followed: Mapping[Relation, Collection[State]]
    parents: Mapping[State, Collection[State]]

    def keyed(self) -> Iterator[tuple[State, Key]]:
        """The objects that a merge looks up by a key."""
        yield from self.copies.items()
        yield from ((state, key) for state, key in self.new.items() if key is not None)

    def leading_to(self, ends: Iterable[State]) -> set[State]:
        """The objects from which relationships lead to one of these, and these themselves."""
        found = set(ends)
        waiting = list(found)
        while waiting:
            ahead = [state for state in self.parents.get(waiting.pop(), ()) if state not in found]
            found.update(ahead)
            waiting.extend(ahead)
        return found


def reached(session: Session, roots: Iterable[State]) -> Graph:
    """What a merge of the roots into the session reads.

    As the merge does, it ends at what is persistent in the session, and does not follow a relationship back.
    """
    copies: dict[State, Key] = {}
    new: dict[State, Key | None] = {}
    followed: defaultdict[Relation, dict[State, None]] = defaultdict(dict)
    parents: defaultdict[State, list[State]] = defaultdict(list)
    waiting: deque[tuple[State, Relation | None]] = deque((state, None) for state in roots)
    seen = set(waiting)
    while waiting:
        state, arrival = waiting.popleft()
        if is_persistent_in(session, state):
            continue
        if state.key is None:
            new[state] = _future_key(state)
        else:
            copies[state] = state.key
        loaded = state.dict
        for relation in merged_relationships(state.mapper):
            if relation.key in loaded and (arrival is None or not _leads_back(arrival, relation)):
                followed[relation][state] = None
                for target in targets_of(state, relation):
                    parents[target].append(state)
                    if (target, relation) not in seen:
                        seen.add((target, relation))
                        waiting.append((target, relation))
    return Graph(copies, new, followed, parents)


def _future_key(state: State) -> Key | None:
    identity = tuple([state.dict.get(name) for name in key_names(state.mapper)])
    known = all(value is not None for value in identity)
    return state.mapper.identity_key_from_primary_key(identity) if known else None


@once
def merged_relationships(mapper: Mapper[Any]) -> tuple[Relation, ...]:
    """The relationships that a merge follows, and that can be loaded at all."""
    return tuple(
        relation
        for relation in mapper.relationships
        if relation.cascade.merge and relation.lazy not in {"dynamic", "write_only"}
    )


def targets_of(state: State, relation: Relation) -> list[State]:
    """The objects to which a relationship that is loaded leads."""
    value = state.dict[relation.key]
    found = collection_adapter(value) if relation.uselist else (value,)
    return [instance_state(target) for target in found if target is not None]


def _leads_back(arrival: Relation, relation: Relation) -> bool:
    return relation.key == arrival.back_populates or (
        relation.back_populates == arrival.key and relation.mapper.common_parent(arrival.parent)
    )


def is_equal(graph: Graph, state: State, target: State) -> bool:
    """Whether all that an object has loaded is what the session's object has: a merge of it would change nothing."""
    # Each look at `InstanceState.dict` goes through a weak reference.
    ours, theirs = state.dict, target.dict
    for name, is_same in _comparisons(state.mapper):
        if name in ours and (name not in theirs or is_same(ours[name], theirs[name]) is not True):
            return False
    return all(
        relation.key in theirs and _ends(state, relation) == _ends(target, relation)
        for relation in merged_relationships(state.mapper)
        if state in graph.followed.get(relation, ())
    )


@once
def _comparisons(mapper: Mapper[Any]) -> tuple[tuple[str, Callable[[Any, Any], object]], ...]:
    return tuple((column.key, column.columns[0].type.compare_values) for column in mapper.column_attrs)


def _ends(state: State, relation: Relation) -> Collection[Key | State]:
    ends = [target.key or target for target in targets_of(state, relation)]
    # Without an ORDER BY the rows come as the database likes.
    return ends if relation.order_by else Counter(ends)


def check_agreement(graph: Graph) -> None:
    """Two objects for one row must not have different values: the one that is merged last would win, unseen.

    Raises:
        ObjectStateError: Two have; names the row and the attribute.
    """
    first: dict[Key, State] = {}
    for state, key in graph.keyed():
        other = first.setdefault(key, state)
        if other is not state and (name := _difference(other, state)):
            message = f"{name_of(other)} is there twice, with different values of `{name}`: reattach one of the two"
            raise ObjectStateError(message)


def _difference(one: State, other: State) -> str | None:
    ours, theirs = one.dict, other.dict
    for name, is_same in _comparisons(one.mapper):
        if name in ours and name in theirs and is_same(ours[name], theirs[name]) is False:
            return name
    for relation in merged_relationships(one.mapper):
        if relation.key in ours and relation.key in theirs and {*_ends(one, relation)} != {*_ends(other, relation)}:
            return relation.key
    return None


def pruned(graph: Graph, lost: Collection[State]) -> dict[State, Any]:
    """Copies of the graph's objects in which those that are lost are in no relationship.

    Where a many-to-one leads to one that is lost, the foreign key is left out as well: what has become of it, the
    database knows.
    """
    copies: dict[State, Any] = {}
    for state in (*graph.copies, *graph.new):
        if state not in lost:
            copies[state] = state.mapper.class_manager.new_instance()
            copied = instance_state(copies[state])
            copied.key = state.key
            names = state.mapper.column_attrs.keys() & state.dict.keys()
            copied.dict.update((name, state.dict[name]) for name in names)
    # After the columns: a dictionary of objects reads its keys from them.
    for state, copy in copies.items():
        for relation in merged_relationships(state.mapper):
            if relation.key in state.dict:
                targets = targets_of(state, relation)
                values = [copies.get(target, target.obj()) for target in targets if target not in lost]
                if relation.uselist:
                    set_committed_value(copy, relation.key, values)
                elif len(values) == len(targets):
                    set_committed_value(copy, relation.key, values[0] if values else None)
                else:
                    for name in _foreign_key(relation):
                        instance_state(copy).dict.pop(name, None)
    return copies


def _foreign_key(relation: Relation) -> set[str]:
    mapper = relation.parent
    return {mapper.get_property_by_column(column).key for column in relation.local_columns - {*mapper.primary_key}}
