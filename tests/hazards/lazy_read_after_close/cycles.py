"""What mappings load eagerly ends where it comes to a class that is on the way already."""


class Shop(Base):
    __tablename__ = "shop"

    id: Mapped[int] = mapped_column(primary_key=True)
    shelves: Mapped[list["Shelf"]] = relationship(back_populates="shop", lazy="selectin")


class Shelf(Base):
    __tablename__ = "shelf"

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shop.id"))
    shop: Mapped[Shop] = relationship(back_populates="shelves", lazy="selectin")


class Part(Base):
    __tablename__ = "part"

    id: Mapped[int] = mapped_column(primary_key=True)
    whole_id: Mapped[int | None] = mapped_column(ForeignKey("part.id"))
    parts: Mapped[list["Part"]] = relationship(lazy="joined", back_populates="whole")
    whole: Mapped["Part | None"] = relationship(remote_side=[id], back_populates="parts")


def _fill():
    Base.metadata.create_all(engine)
    with SessionLocal.begin() as session:
        session.merge(Shop(id=1, shelves=[Shelf(id=1)]))
        session.merge(Part(id=1, parts=[Part(id=2)]))


def down_and_back():
    _fill()
    with SessionLocal() as session:
        shop = session.get(Shop, 1)
    for shelf in shop.shelves:  # quiet: the mapping loads it
        print(shelf.shop)  # finding: shelf.shop is not loaded and its session is closed


def up_and_back():
    _fill()
    with SessionLocal() as session:
        shelf = session.get(Shelf, 1)
    print(shelf.shop.id)  # quiet: the mapping loads it
    print(shelf.shop.shelves)  # finding: shelf.shop.shelves is not loaded and its session is closed


def of_its_own_class():
    _fill()
    with SessionLocal() as session:
        part = session.get(Part, 1)
    print(part.parts)  # finding: part.parts is not loaded and its session is closed


def read_before():
    _fill()
    with SessionLocal() as session:
        shelf = session.get(Shelf, 1)
        print(len(shelf.shop.shelves))
    print(shelf.shop.shelves)  # quiet: read while the session was open


def queried_again_and_again():
    query = select(Author).options(selectinload(Author.books).selectinload(Book.author))
    with SessionLocal() as session:
        for _ in range(2):
            for _ in range(2):
                authors = session.scalars(query).all()
    print([book.author.name for author in authors for book in author.books])  # quiet: loaded, and all around the circle


def options_that_come_round():
    back = selectinload(Author.books).selectinload(Book.author).undefer(Author.biography)
    with SessionLocal() as session:
        author = session.scalars(select(Author).options(back)).one()
    print(author.biography)  # quiet: the author of these books is this one
