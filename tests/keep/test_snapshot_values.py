"""The values of a snapshot share nothing that can be changed with the object, and cannot be changed themselves."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, asdict, dataclass, field, replace
from datetime import time, timedelta
from typing import Any, NamedTuple

import pytest
from sqlalchemy import ARRAY, Engine, Integer, inspect, select
from sqlalchemy.ext.mutable import MutableComposite, MutableSet
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, composite, mapped_column

from outlive import snapshot
from outlive.keep.frozen import FrozenDict, FrozenList, frozen, thawed
from tests.keep.museum import Base, Exhibit, Floor, Guide, Handle, Money, Note, Place
from tests.store import Customer

FACTS = {"year": 1512, "owners": [{"name": "Ann"}, {"name": "Bob"}], "scores": {"a": [1, 2]}}


class Tracking(MutableComposite):
    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        self.changed()


@dataclass
class Point(Tracking):
    x: int
    y: int


class Loose(Tracking):
    """A composite that is no dataclass."""

    def __init__(self, z: int) -> None:
        self.z = z

    def __composite_values__(self) -> tuple[int]:
        return (self.z,)


class SpotBase(DeclarativeBase):
    """Apart from the museum."""


class Spot(SpotBase):
    __tablename__ = "spot"

    id: Mapped[int] = mapped_column(primary_key=True)
    point: Mapped[Point] = composite(mapped_column("x", Integer), mapped_column("y", Integer))
    loose: Mapped[Loose] = composite(Loose, mapped_column("z", Integer))


def exhibit(**values: Any) -> Exhibit:
    return Exhibit(
        id=1,
        name="urn",
        tour=timedelta(minutes=5),
        opens=time(9, 30),
        floor=Floor.FIRST,
        facts=copy.deepcopy(FACTS),
        words=["old", "clay"],
        thing={"pairs": [(1, [2])], "set": {1, 2}},
        image=bytearray(b"\x00\x01"),
        handle=Handle("http://museum"),
        place=Place("hall", ["left"]),
        price=Money(5, "EUR"),
        **values,
    )


@pytest.fixture
def stored(engine: Engine) -> Any:
    """An exhibit that was read from the database."""
    with Session(engine) as session:
        Base.metadata.create_all(session.connection())
        session.add(exhibit())
        session.commit()
        yield session.scalars(select(Exhibit)).one()


def test_values_from_the_database_are_equal_and_of_their_types(stored: Exhibit):
    taken = snapshot(stored)

    values = inspect(stored).dict
    assert {name: values[name] for name in vars(taken)} == vars(taken)
    assert all(isinstance(value, type(values[name])) for name, value in vars(taken).items() if name != "words")
    assert isinstance(taken.words, list)


def test_values_that_nobody_can_change_are_the_very_same(stored: Exhibit):
    taken, values = snapshot(stored), inspect(stored).dict

    for name in ("tour", "opens", "floor", "price", "name"):
        assert getattr(taken, name) is values[name]


CHANGES = {
    "facts": lambda obj: obj.facts["owners"][0].update(name="Eve"),
    "words": lambda obj: obj.words.append("new"),
    "thing": lambda obj: obj.thing["set"].add(3),
    "image": lambda obj: obj.image.extend(b"!"),
    "handle": lambda obj: setattr(obj.handle, "url", "ftp://"),
    "place": lambda obj: obj.place.remarks.append("right"),
    "remarks": lambda obj: obj.remarks.append("right"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_later_change_of_the_object_does_not_reach_the_snapshot(name: str):
    obj = exhibit()
    before = copy.deepcopy(inspect(obj).dict[name])
    taken = snapshot(obj)

    CHANGES[name](obj)

    assert before == getattr(taken, name)
    assert before != inspect(obj).dict[name]


def test_bytes_that_can_be_changed_become_bytes_that_cannot_also_after_a_flush(session: Session):
    Base.metadata.create_all(session.connection())
    obj = Exhibit(name="urn", image=bytearray(b"ab"))
    session.add(obj)
    session.flush()

    assert (b"ab", bytes) == (snapshot(obj).image, type(snapshot(obj).image))


def test_a_mutable_dict_from_the_database_is_copied(session: Session):
    customer = session.get(Customer, 1)
    taken = snapshot(customer)

    customer.settings["theme"] = "light"

    assert {"theme": "dark"} == taken.settings


@pytest.mark.parametrize(
    "change",
    [
        lambda taken: taken.words.append("x"),
        lambda taken: taken.words.sort(),
        lambda taken: taken.words.__setitem__(0, "x"),
        lambda taken: taken.words.__iadd__(["x"]),
        lambda taken: taken.words.clear(),
        lambda taken: taken.facts.update(x=1),
        lambda taken: taken.facts.pop("year"),
        lambda taken: taken.facts.__setitem__("x", 1),
        lambda taken: taken.facts["owners"].append("x"),
        lambda taken: taken.facts["owners"][0].clear(),
        lambda taken: taken.facts.__ior__({"x": 1}),
        lambda taken: taken.thing["pairs"][0][1].append(3),
        lambda taken: taken.place.remarks.append("x"),
        lambda taken: taken.notes.clear(),
        lambda taken: taken.after.append("x"),
    ],
)
def test_lists_and_dicts_refuse_to_be_changed_in_depth(change: Any):
    taken = snapshot(exhibit(notes={}, after=[]))

    with pytest.raises(TypeError, match=r"a value of a snapshot cannot be changed: (list|dict)\(\.\.\.\) makes a copy"):
        change(taken)


def test_every_method_that_changes_a_list_or_a_dict_is_refused():
    unchanging = {"copy", "count", "index", "get", "items", "keys", "values", "fromkeys"}
    changing = {name for kind in (list, dict) for name in vars(kind) if not name.startswith("_")} - unchanging
    own = {name for kind in (FrozenList, FrozenDict) for name in vars(kind)}

    assert set() == changing - own


def test_sets_become_frozensets():
    taken = snapshot(exhibit(guides={Guide(id=1, name="Ann")}))

    assert (frozenset, frozenset) == (type(taken.guides), type(taken.thing["set"]))


def test_a_dict_of_objects_keeps_its_keys():
    taken = snapshot(exhibit(notes={"en": Note(language="en", text="urn"), "de": Note(language="de", text="Urne")}))

    assert {"en": "urn", "de": "Urne"} == {key: note.text for key, note in taken.notes.items()}


def test_objects_in_the_keys_of_a_dict_are_snapshots_too():
    guide = Guide(id=1, name="Ann")
    obj = exhibit()
    obj.notes_by_guide = {guide: Note(language="en", guide=guide)}

    taken = snapshot(obj)

    [(key, note)] = taken.notes_by_guide.items()
    assert (snapshot(guide), key) == (key, note.guide)
    assert taken == snapshot(obj)


# --- composites


def test_a_mutable_composite_keeps_its_type_and_refuses_changes():
    place = snapshot(exhibit()).place

    assert isinstance(place, Place)
    assert Place("hall", ["left"]) == place
    assert ("Place(room='hall', remarks=['left'])", "to hall") == (repr(place), place.sign())
    with pytest.raises(FrozenInstanceError, match="a value of a snapshot cannot be changed: room"):
        place.room = "cellar"
    with pytest.raises(FrozenInstanceError):
        del place.room


def test_a_copy_of_a_composite_can_be_changed():
    place = snapshot(exhibit()).place
    other = replace(place, room="cellar")
    other.remarks = []

    assert (Place("cellar", []), Place) == (other, type(other))
    assert {"room": "hall", "remarks": ["left"]} == asdict(place)


def test_a_composite_can_be_copied_and_pickled():
    place = snapshot(exhibit()).place

    assert place is copy.copy(place) is copy.deepcopy(place)
    assert place == pickle.loads(pickle.dumps(place))


def test_a_composite_of_a_snapshot_can_be_given_to_another_object():
    place = snapshot(exhibit()).place

    assert place is snapshot(Exhibit(place=place)).place


@pytest.fixture
def spot(session: Session) -> Spot:
    Spot.__table__.create(session.connection())
    session.add(Spot(id=1, point=Point(1, 2), loose=Loose(3)))
    session.flush()
    session.expire_all()
    return session.get(Spot, 1)


def test_a_composite_that_tracks_its_changes_is_taken(spot: Spot):
    assert Point(1, 2) == snapshot(spot).point


def test_a_change_of_a_copied_value_does_not_mark_the_object_as_changed(session: Session, spot: Spot):
    taken = snapshot(spot)

    taken.loose.z = 4

    assert (3, False) == (spot.loose.z, session.is_modified(spot))


def test_a_set_that_tracks_its_changes_becomes_a_frozenset():
    assert frozenset({1}) == frozen(MutableSet({1}))
    assert type(frozen(MutableSet({1}))) is frozenset


def test_an_array_of_postgresql_becomes_a_list_that_refuses_changes(session: Session):
    if session.get_bind().dialect.name != "postgresql":
        pytest.skip("this database has no arrays")

    class Track(SpotBase):
        __tablename__ = "track"
        id: Mapped[int] = mapped_column(primary_key=True)
        points: Mapped[list[list[int]]] = mapped_column(ARRAY(Integer, dimensions=2))

    Track.__table__.create(session.connection())
    session.add(Track(id=1, points=[[1, 2], [3, 4]]))
    session.flush()
    session.expire_all()

    taken = snapshot(session.get(Track, 1))

    assert [[1, 2], [3, 4]] == taken.points
    with pytest.raises(TypeError):
        taken.points[0].append(5)


# --- values one by one


class Pair(NamedTuple):
    left: int
    right: list[int]


@dataclass(frozen=True)
class Sealed:
    number: int
    items: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Slotted:
    number: int


class Extended(Slotted):
    """No dataclass itself."""

    more = 0


class Counted:
    """Counts its subclasses."""

    seen = 0

    def __init_subclass__(cls) -> None:
        Counted.seen += 1


@dataclass
class Counting(Counted):
    number: int


@pytest.mark.parametrize(
    "value",
    [
        (1, "a", None),
        Pair(1, [2]),
        ((1, [2]), {3}),
        Sealed(1, [2]),
        Slotted(1),
        Extended(1),
        Counting(1),
        {"a": {1: [Slotted(2)]}},
        [],
        {},
        frozenset({1}),
        float("inf"),
        3 + 4j,
        Floor.GROUND,
    ],
    ids=repr,
)
def test_a_frozen_value_equals_its_original_and_survives_pickle_and_thawing(value: Any):
    held = frozen(value)

    assert value == held
    assert held == pickle.loads(pickle.dumps(held))
    assert value == thawed(held)


def test_a_tuple_that_cannot_be_changed_is_not_copied():
    value = (1, ("a", None))

    assert frozen(value) is value


def test_a_named_tuple_stays_one():
    assert Pair(1, FrozenList([2])) == frozen(Pair(1, [2]))
    assert type(frozen(Pair(1, [2]))) is Pair


def test_freezing_runs_no_code_of_a_dataclass():
    before = Counted.seen

    frozen(Counting(1))

    assert before == Counted.seen


def test_attributes_of_a_subclass_that_is_no_dataclass_are_copied_as_well():
    value = Extended(1)
    value.more = 5

    assert 5 == frozen(value).more


def test_a_value_that_cannot_be_copied_is_named():
    class Stubborn:
        def __deepcopy__(self, memo: object) -> Any:
            raise TypeError("not me")

    with pytest.raises(TypeError, match="not me") as caught:
        snapshot(Exhibit(id=1, thing=Stubborn()))

    assert ["while Exhibit.thing of Exhibit (transient) was copied for a snapshot"] == caught.value.__notes__
