"""Two keys that differ for Python and not for the database lead to one row, as in a lazy load and ``Session.get``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, inspect, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from outlive import (
    MissingRowsError,
    Reference,
    ensure_loaded,
    fresh,
    load_all,
    reattach,
    reattach_all,
    reference,
    refresh_all,
    sessionmaker,
)
from tests.conftest import chosen
from tests.keep import atlas
from tests.keep.atlas import WRITTEN, Land, Language, Region, River, Town
from tests.store import statements

# SQLAlchemy said so of every UPDATE with a version counter on SQLite, in its first 2.0 releases.
pytestmark = pytest.mark.filterwarnings("ignore:.*versioning cannot be verified:sqlalchemy.exc.SAWarning")


@pytest.fixture(params=["sqlite", "pymysql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with chosen(request, tmp_path).engine(atlas) as engine:
        yield engine


def all_of(session: Session, class_: type[Any]) -> list[Any]:
    return list(session.scalars(select(class_).order_by(class_.id)))


def write_otherwise(engine: Engine) -> None:
    """The key of a row that nothing refers to, in another case."""
    with engine.begin() as connection:
        connection.execute(update(Land.__table__).values(code="se", name="Sverige").where(Land.code == "SE"))


# --- ensure_loaded


@pytest.mark.parametrize("is_held", [False, True], ids=["absent", "in the session"])
def test_references_in_every_case_lead_to_one_object(is_held: bool, engine: Engine, session: Session):
    rivers = all_of(session, River)
    held = session.get(Land, "NO") if is_held else None

    ensure_loaded(session, rivers, River.land)

    with statements(engine) as sent:
        lands = [river.land for river in rivers]
    assert ["Norway", "Norway", "Norway", None] == [land and land.name for land in lands]
    assert 1 == len({*lands[:3], *([held] if held else [])})
    assert [] == sent


def test_references_of_two_columns_do_so_too(session: Session):
    towns = all_of(session, Town)

    ensure_loaded(session, towns, Town.region)

    assert ["region 1"] * 3 + [None] == [town.region and town.region.name for town in towns]
    assert 1 == len({town.region for town in towns[:3]})


def test_what_is_written_as_its_key_costs_no_more(engine: Engine, session: Session):
    rivers = [river for river in all_of(session, River) if river.land_code == "NO"]

    with statements(engine) as sent:
        ensure_loaded(session, rivers, River.land)

    assert 1 == len(sent)


def test_collections_have_what_refers_to_them_in_any_case(session: Session):
    lands = list(session.scalars(select(Land).order_by(Land.code)))
    regions = list(session.scalars(select(Region).order_by(Region.number)))

    ensure_loaded(session, lands, Land.rivers, Land.languages)
    ensure_loaded(session, regions, Region.towns)

    assert [[1, 2, 3], []] == [[river.id for river in inspect(land).dict["rivers"]] for land in lands]
    assert [[1, 2, 3], []] == [[language.id for language in inspect(land).dict["languages"]] for land in lands]
    assert [[1, 2, 3], []] == [[town.id for town in inspect(region).dict["towns"]] for region in regions]


def test_a_chain_goes_on_behind_them(engine: Engine, session: Session):
    rivers = all_of(session, River)

    ensure_loaded(session, rivers, (River.land, Land.languages))

    with statements(engine) as sent:
        assert [[1, 2, 3]] * 3 == [[one.id for one in river.land.languages] for river in rivers if river.land]
    assert [] == sent


# --- refresh_all and fresh


def test_objects_whose_key_is_written_otherwise_now_are_read(engine: Engine, session: Session):
    norway, sweden = lands = list(session.scalars(select(Land).order_by(Land.code)))
    session.commit()
    write_otherwise(engine)

    assert lands == refresh_all(session, lands)
    assert ("Norway", "Sverige") == (norway.name, sweden.name)
    assert "Sverige" == fresh(session, sweden, Land.name)


def test_a_reference_in_another_case_stays_with_its_object(session: Session):
    rivers = all_of(session, River)
    ensure_loaded(session, rivers, River.land)
    before = [river.land for river in rivers]
    session.commit()

    refresh_all(session, rivers)

    assert before == [river.land for river in rivers]


def test_a_commit_fetches_the_values_of_an_object_whose_key_is_written_otherwise(engine: Engine):
    with sessionmaker(engine)() as session:
        sweden = session.get(Land, "SE")
        session.commit()
        write_otherwise(engine)
        sweden.name = Land.name + "!"
        session.commit()

        assert "Sverige!" == inspect(sweden).dict["name"]


# --- load_all


def test_references_in_every_case_are_one_object(engine: Engine, session: Session):
    refs = [Reference(Land, (code,)) for code in (*WRITTEN, "SE")]

    found = load_all(session, refs)

    assert ["Norway"] * 3 + ["Sweden"] == [land.name for land in found]
    assert 2 == len(set(found))


def test_keys_of_two_columns_are_one_object(session: Session):
    found = load_all(session, [Reference(Region, (code, number)) for number in (1, 2) for code in WRITTEN])

    assert ["region 1"] * 3 + ["region 2"] * 3 == [region.name for region in found]
    assert 2 == len(set(found))


def test_a_row_that_is_missing_is_so_in_every_case(engine: Engine, session: Session):
    refs = [Reference(Land, (code,)) for code in ("DK", "dk", *WRITTEN)]

    assert 3 == len(load_all(session, refs, missing="skip"))
    with pytest.raises(MissingRowsError, match=r"Land \('DK',\), Land \('dk',\)"):
        load_all(session, refs)


def test_many_rows_that_are_missing_cost_one_statement_more(engine: Engine, session: Session):
    refs = [Reference(Land, (code,)) for code in ("NO", *map(str, range(100)))]

    with statements(engine) as sent:
        load_all(session, refs, missing="skip")

    assert 2 == len(sent)


def test_versions_are_compared_with_that_of_the_row(session: Session):
    refs = [Reference(Land, (code,), version=1) for code in WRITTEN]

    assert 1 == len(set(load_all(session, refs)))
    with pytest.raises(StaleDataError):
        load_all(session, [Reference(Land, ("no",), version=2)])


@pytest.mark.parametrize("code", ["NO ", "nó"], ids=["blank", "accent"])
def test_whatever_the_database_ignores(code: str, engine: Engine, session: Session):
    if engine.dialect.name == "sqlite":
        pytest.skip("ignores the case alone")
    river = session.get(River, 1)
    session.execute(update(River.__table__).values(land_code=code).where(River.id == 1))
    session.refresh(river)

    land, same = load_all(session, [Reference(Land, (code,)), Reference(Land, ("NO",))])
    ensure_loaded(session, river, River.land)

    assert code == river.land_code
    assert land is same is river.land


# --- reattach


def test_a_copy_whose_key_is_written_otherwise_now_is_merged_into_the_row(engine: Engine, session: Session):
    with Session(engine) as other:
        norway, sweden = other.scalars(select(Land).order_by(Land.code))
    write_otherwise(engine)
    sweden.name = "changed"

    found = reattach_all(session, [norway, sweden])
    session.commit()

    assert ["Norway", "changed"] == [land.name for land in found]
    assert [("NO", "Norway"), ("SE", "changed")] == [
        tuple(row) for row in session.execute(select(Land.code, Land.name).order_by(Land.code))
    ]


def test_a_copy_of_what_refers_in_another_case_brings_its_object_along(engine: Engine, session: Session):
    with Session(engine) as other:
        river = other.get(River, 2)
        assert "Norway" == river.land.name
    river.land.name = "Noreg"

    found = reattach(session, river)
    session.commit()

    assert ("no", "Noreg") == (found.land_code, found.land.name)
    assert 2 == len(session.scalars(select(Land)).all())


@pytest.mark.parametrize("class_", [River, Language, Town])
def test_a_reference_of_an_object_finds_it_again(class_: type[Any], session: Session):
    objs = all_of(session, class_)

    assert objs == load_all(session, [reference(obj) for obj in objs])
