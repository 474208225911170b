"""Ways to map a class: every declarative base, by the registry, and outside of the class."""

from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Column, Integer, String, Table
from sqlalchemy.orm import DeclarativeMeta, as_declarative, declarative_base, deferred, registry


@as_declarative()
class Decorated:
    pass


class Meta(metaclass=DeclarativeMeta):
    __abstract__ = True
    registry = registry()
    metadata = registry.metadata
    __init__ = registry.constructor


def _make_base():
    return declarative_base()


Made = _make_base()
Cast = cast("Any", declarative_base())

if TYPE_CHECKING:

    class Typed:
        pass

else:
    Typed = declarative_base()


class Town(Decorated):
    __tablename__ = "town"

    id = Column(Integer, primary_key=True)
    streets = relationship("Street")


class Street(Decorated):
    __tablename__ = "street"

    id = Column(Integer, primary_key=True)
    town_id = Column(ForeignKey("town.id"))


class Hill(Meta):
    __tablename__ = "hill"

    id = Column(Integer, primary_key=True)
    name = deferred(Column(String))


class Lake(Made):
    __tablename__ = "lake"

    id = Column(Integer, primary_key=True)
    name = deferred(Column(String))


class River(Cast):
    __tablename__ = "river"

    id = Column(Integer, primary_key=True)
    name = deferred(Column(String))


class Sea(Typed):
    __tablename__ = "sea"

    id = Column(Integer, primary_key=True)
    name = deferred(Column(String))


_registry = registry()
_isles = Table("isle", _registry.metadata, Column("id", Integer, primary_key=True), Column("title", String))
_ports = Table(
    "port",
    _registry.metadata,
    Column("id", Integer, primary_key=True),
    Column("isle_id", ForeignKey("isle.id")),
    Column("depth", Integer),
)


class Isle:
    def __init__(self, title):
        self.title = title


class Port:
    pass


def _start_mappers():
    ports = _registry.map_imperatively(Port, _ports, properties={"depth": deferred(_ports.c.depth)})
    _registry.map_imperatively(Isle, _isles, properties={"ports": relationship(ports, backref="isle")})


class Cape(Base):
    __tablename__ = "cape"

    id: Mapped[int] = mapped_column(primary_key=True)


class Light(Base):
    __tablename__ = "light"

    id: Mapped[int] = mapped_column(primary_key=True)
    cape_id: Mapped[int] = mapped_column(ForeignKey("cape.id"))


Cape.lights = relationship(Light, backref="cape")


_EAGER = {"lazy": "selectin"}
_READ_ONLY = dict(viewonly=True, **_EAGER)


def _options():
    return {"lazy": "selectin"}


class Pier(Base):
    __tablename__ = "pier"

    id: Mapped[int] = mapped_column(primary_key=True)
    boats: Mapped[list["Boat"]] = relationship(**_EAGER)
    same: Mapped[list["Boat"]] = relationship(**{"order_by": "Boat.id", **_READ_ONLY})
    again: Mapped[list["Boat"]] = relationship(viewonly=True, **_options())
    others: Mapped[list["Boat"]] = relationship(**{"viewonly": True})


class Boat(Base):
    __tablename__ = "boat"

    id: Mapped[int] = mapped_column(primary_key=True)
    pier_id: Mapped[int] = mapped_column(ForeignKey("pier.id"))


def _kept(made, name="metadata"):
    getattr(type(made), name, _registry.metadata).create_all(engine)
    with SessionLocal.begin() as session:
        session.add(made)


def decorated_base():
    _kept(Town())
    with SessionLocal() as session:
        town = session.scalars(select(Town)).one()
    print(town.streets)  # finding: town.streets is not loaded


def base_with_a_metaclass():
    _kept(Hill())
    with SessionLocal() as session:
        hill = session.scalars(select(Hill)).one()
    print(hill.name)  # finding: hill.name is not loaded


def base_of_a_function():
    _kept(Lake())
    with SessionLocal() as session:
        lake = session.scalars(select(Lake)).one()
    print(lake.name)  # finding: lake.name is not loaded


def base_behind_a_cast():
    _kept(River())
    with SessionLocal() as session:
        river = session.scalars(select(River)).one()
    print(river.name)  # finding: river.name is not loaded


def base_that_type_checkers_do_not_see():
    _kept(Sea())
    with SessionLocal() as session:
        sea = session.scalars(select(Sea)).one()
    print(sea.name)  # finding: sea.name is not loaded


def imperative():
    _start_mappers()
    _kept(Isle("Gont"))
    with SessionLocal() as session:
        isle = session.scalars(select(Isle)).one()
    print(isle.title)  # quiet: a column
    print(isle.ports)  # finding: isle.ports is not loaded
    _registry.dispose()


def given_later():
    _kept(Cape(lights=[Light()]))
    with SessionLocal() as session:
        cape = session.scalars(select(Cape)).one()
    print(cape.lights)  # finding: cape.lights is not loaded


def other_side_of_what_is_given_later():
    _kept(Cape(lights=[Light()]))
    with SessionLocal() as session:
        light = session.scalars(select(Light)).one()
    print(light.cape)  # finding: light.cape is not loaded


def keywords_from_elsewhere():
    _kept(Pier(boats=[Boat()]))
    with SessionLocal() as session:
        pier = session.scalars(select(Pier)).one()
    print(pier.boats)  # quiet: a constant says that every query loads them
    print(pier.same)  # quiet: a constant that takes in another one
    print(pier.again)  # quiet: what a function gives is not known
    print(pier.others)  # finding: pier.others is not loaded
