"""What the mapping says decides what a query loads."""

from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import DynamicMapped, WriteOnlyMapped, column_property


class Publisher(Base):
    __tablename__ = "publisher"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column()
    shout = column_property(func.upper(name))
    series: Mapped[list["Series"]] = relationship(back_populates="publisher", lazy="selectin")
    journals: Mapped[list["Series"]] = relationship(lazy="joined", viewonly=True)
    archive: Mapped[list["Series"]] = relationship(viewonly=True)
    stream: DynamicMapped["Series"] = relationship(viewonly=True)
    intake: WriteOnlyMapped["Series"] = relationship(viewonly=True)

    @property
    def titles(self):
        return [series.title for series in self.archive]

    @property
    def loaded_titles(self):
        return [series.title for series in self.series]

    @hybrid_property
    def label(self):
        return self.name + "!"

    def __str__(self):
        return f"{self.name}: {self.archive}"

    def __repr__(self):
        return f"Publisher({self.name})"


class Series(Base):
    __tablename__ = "series"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    publisher_id: Mapped[int] = mapped_column(ForeignKey("publisher.id"))
    publisher: Mapped[Publisher] = relationship(back_populates="series")


Base.metadata.create_all(engine)
with engine.begin() as connection:
    connection.execute(insert(Publisher), {"id": 1, "name": "Gollancz"})
    connection.execute(insert(Series), {"id": 1, "title": "SF Masterworks", "publisher_id": 1})


def _publisher():
    with SessionLocal() as session:
        return session.get(Publisher, 1)


def selectin_on_the_mapping():
    print(_publisher().series)  # quiet: lazy="selectin" loads it with every query


def joined_on_the_mapping():
    print(_publisher().journals)  # quiet: lazy="joined" loads it with every query


def default_on_the_mapping():
    publisher = _publisher()
    print(publisher.archive)  # finding: publisher.archive is not loaded


def other_side_of_a_selectin():
    series = _publisher().series
    print(series[0].title)  # quiet: a loaded column


def column_properties_are_columns():
    print(_publisher().shout)  # quiet: loaded with the row


def dynamic_relationships_load_nothing():
    publisher = _publisher()
    publisher.stream  # quiet: a query, not a collection


def write_only_relationships_load_nothing():
    publisher = _publisher()
    print(publisher.intake.select())  # quiet: a statement, not a collection


def property_that_reads_a_relationship():
    publisher = _publisher()
    print(publisher.titles)  # finding: archive is not loaded


def property_that_reads_what_is_loaded():
    publisher = _publisher()
    print(publisher.loaded_titles)  # quiet: lazy="selectin" loads it


def hybrid_that_reads_a_column():
    publisher = _publisher()
    print(publisher.label)  # quiet: reads a loaded column


def repr_that_reads_a_column():
    publisher = _publisher()
    print(repr(publisher))  # quiet: reads a loaded column


def str_that_reads_a_relationship():
    publisher = _publisher()
    print(f"{publisher}")  # finding: archive is not loaded


def new_object_of_a_selectin_mapping():
    with SessionLocal() as session:
        publisher = Publisher(name="Ace")
        session.add(publisher)
        session.flush()
    print(publisher.series)  # finding: publisher.series is not loaded


def deferred_column_undeferred_by_an_earlier_query():
    with SessionLocal() as session:
        first = session.scalars(select(Author).options(undefer(Author.biography))).one()
        author = session.get(Author, first.id)
    print(author.biography)  # quiet: the identity map holds the object that has it


def rows_that_a_later_query_loads_by_mapping():
    with SessionLocal() as session:
        series = session.get(Series, 1)
        session.commit()
        publisher = session.get(Publisher, 1)
    print(publisher.series[0].title)  # quiet: lazy="selectin" loads it
    print(series.title)  # quiet: the mapping has loaded the row again, with its publisher


def rows_that_no_later_query_loads():
    with SessionLocal() as session:
        series = session.get(Series, 1)
        session.commit()
        author = session.get(Author, 1)
    print(author.name)  # quiet: got after the commit
    print(series.title)  # also read-after-commit-and-close: series.title expired at the commit


def other_side_that_the_mapping_does_not_load():
    with SessionLocal() as session:
        series = session.get(Series, 1)
    print(series.title)  # quiet: a loaded column
    print(series.publisher.name)  # finding: series.publisher is not loaded


def eager_behind_a_new_row_that_was_read_after_its_commit():
    with Session(engine) as session:
        publisher = Publisher(name="New")
        session.add(publisher)
        session.commit()
        print(publisher.name)
    print(publisher.series)  # quiet: the read has loaded the row, and lazy="selectin" with it
