"""Relationships without a word about being collections: the foreign keys say it."""

from sqlalchemy import Column, Integer, String, Table
from sqlalchemy.orm import backref, declarative_base

Plain = declarative_base()

_crews = Table(
    "crews",
    Plain.metadata,
    Column("ship_id", ForeignKey("ship.id"), primary_key=True),
    Column("sailor_id", ForeignKey("sailor.id"), primary_key=True),
)


class Fleet(Plain):
    __tablename__ = "fleet"

    id = Column(Integer, primary_key=True)
    ships = relationship("Ship")


class Ship(Plain):
    __tablename__ = "ship"

    id = Column(Integer, primary_key=True)
    name = Column(String)
    harbour = Column(ForeignKey("fleet.id"))
    fleet = relationship(Fleet, overlaps="ships")
    sailors = relationship("Sailor", secondary=_crews, backref="ships")
    log = relationship("Log", backref="ship", uselist=False)


class Crate(Plain):
    __tablename__ = "crate"

    id = Column(Integer, primary_key=True)
    on = Column(ForeignKey("ship.id"))
    ship = relationship(Ship, backref="crates")


class Sailor(Plain):
    __tablename__ = "sailor"

    id = Column(Integer, primary_key=True)
    name = Column(String)


class Log(Plain):
    __tablename__ = "log"

    id = Column(Integer, primary_key=True)
    of = Column(ForeignKey("ship.id"))


class Page(Plain):
    __tablename__ = "page"

    id = Column(Integer, primary_key=True)
    book = Column(ForeignKey("log.id"))
    log = relationship(Log, backref=backref("pages", order_by="Page.id"))
    above = Column(ForeignKey("page.id"))
    upper = relationship("Page", remote_side=id)


Plain.metadata.create_all(engine)
with SessionLocal.begin() as _session:
    _ship = Ship(name="Hope", fleet=Fleet(), sailors=[Sailor(name="Ishmael")], log=Log(), crates=[Crate()])
    _session.add_all([_ship, Page(log=_ship.log, upper=Page())])


def collections_that_loops_have_loaded():
    with SessionLocal() as session:
        fleet = session.scalars(select(Fleet)).one()
        for ship in fleet.ships:
            for crate in ship.crates:
                assert crate.ship
    for ship in fleet.ships:
        print([crate.ship for crate in ship.crates])  # quiet: the loops have read all of them


def collections_that_loops_have_passed():
    with SessionLocal() as session:
        fleet = session.scalars(select(Fleet)).one()
        for ship in fleet.ships:
            for crate in ship.crates:
                assert crate.id
    for ship in fleet.ships:
        print([crate.ship for crate in ship.crates])  # finding: crate.ship is not loaded


def collection_behind_a_loop():
    with SessionLocal() as session:
        for fleet in session.scalars(select(Fleet)).all():
            pass
    print(len(fleet.ships))  # finding: fleet.ships is not loaded


def element_of_a_collection():
    with SessionLocal() as session:
        fleet = session.scalars(select(Fleet).options(selectinload(Fleet.ships))).one()
    print(fleet.ships[0].name)  # quiet: was loaded with its fleet
    print(fleet.ships[0].sailors)  # finding: sailors is not loaded


def table_in_between():
    with SessionLocal() as session:
        ship = session.scalars(select(Ship).options(selectinload(Ship.sailors))).first()
        for sailor in ship.sailors:
            assert sailor.ships
    print([len(sailor.ships) for sailor in ship.sailors])  # quiet: the loop has read all of them


def other_side_of_a_table_in_between():
    with SessionLocal() as session:
        sailor = session.scalars(select(Sailor)).first()
    print(sailor.ships)  # finding: sailor.ships is not loaded


def single_by_its_word():
    with SessionLocal() as session:
        ship = session.scalars(select(Ship)).first()
        if ship.log is not None:
            print(ship.log.id)
    print(ship.log.id)  # quiet: was read before


def other_side_is_a_collection():
    with SessionLocal() as session:
        log = session.scalars(select(Log)).first()
        for page in log.pages:
            assert page.id
    print([page.id for page in log.pages])  # quiet: the loop has read all of them
    print([page.upper for page in log.pages])  # finding: upper is not loaded


def other_side_is_single():
    with SessionLocal() as session:
        page = session.scalars(select(Page).where(Page.book.is_not(None))).first()
        assert page.log.ship.name
    print(page.log.ship.name)  # quiet: was read before
