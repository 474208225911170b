"""The ways to map a relationship so that it raises, and those who read it."""

from pydantic import BaseModel
from sqlalchemy.orm import backref, configure_mappers


class Shelf(Base):
    __tablename__ = "shelf"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]

    @property
    def first(self):
        return self.tomes[0]

    def to_dict(self):
        return {"name": self.name, "tomes": [tome.id for tome in self.tomes]}


class Tome(Base):
    __tablename__ = "tome"

    id: Mapped[int] = mapped_column(primary_key=True)
    shelf_id: Mapped[int | None] = mapped_column(ForeignKey("shelf.id"))
    shelf = relationship(Shelf, lazy="select", backref=backref("tomes", lazy="raise"))
    lazily: Mapped[Shelf | None] = relationship(lazy="select", viewonly=True)
    eagerly: Mapped[Shelf | None] = relationship(lazy="joined", viewonly=True)
    silently: Mapped[Shelf | None] = relationship(lazy="raise" if __name__ == "__main__" else "select", viewonly=True)


class ShelfOut(BaseModel, from_attributes=True):
    name: str
    tomes: list[object]


configure_mappers()  # makes what `backref` names
with engine.begin() as connection:
    Base.metadata.create_all(connection)
    connection.execute(insert(Shelf), {"id": 1, "name": "upper"})
    connection.execute(insert(Tome), [{"id": 1, "shelf_id": 1}])


def by_backref():
    with Session(engine) as session:
        shelf = session.get(Shelf, 1)
        print(shelf.tomes)  # finding: shelf.tomes is not loaded


def others():
    with Session(engine) as session:
        tome = session.get(Tome, 1)
        print(tome.lazily)  # quiet: it is loaded when it is read
        print(tome.eagerly)  # quiet: every query loads it
        print(tome.silently)  # quiet: what the mapping says cannot be read
        print(tome.shelf.tomes)  # finding: tome.shelf.tomes is not loaded


def by_property():
    with Session(engine) as session:
        shelf = session.get(Shelf, 1)
        print(shelf.first)  # finding: Shelf.tomes is not loaded


def by_method():
    with Session(engine) as session:
        shelf = session.get(Shelf, 1)
        print(shelf.to_dict())  # finding: Shelf.tomes is not loaded


def by_schema():
    with Session(engine) as session:
        shelf = session.get(Shelf, 1)
        print(ShelfOut.model_validate(shelf))  # also response-reads-unloaded: Shelf.tomes is not loaded, and lazy="raise"


def by_schema_with_option():
    with Session(engine) as session:
        shelf = session.get(Shelf, 1, options=[selectinload(Shelf.tomes)])
        print(ShelfOut.model_validate(shelf))  # quiet: the option has loaded it


def same_question_twice(flag):
    with Session(engine) as session:
        query = select(Shelf)
        wanted = [selectinload(Shelf.tomes)] if flag else None
        for option in wanted or ():
            query = query.options(option)
        shelf = session.scalars(query).one()
        if flag:
            print(shelf.tomes)  # quiet: whoever loads it on some path reads it on that path
        print(shelf.name)


def one_path_without_option(flag):
    with Session(engine) as session:
        query = select(Shelf)
        if flag:
            query = query.options(selectinload(Shelf.tomes))
        shelf = session.scalars(query).one()
        print(shelf.tomes)  # missed: it is loaded on the other path
