"""Attributes that are declared in other words: by functions, and as ways through a relationship."""

from sqlalchemy.ext.associationproxy import AssociationProxy, association_proxy
from sqlalchemy.orm import declared_attr


class _Placed:
    @declared_attr
    def place_id(cls) -> Mapped[int]:
        return mapped_column(ForeignKey("place.id"))

    @declared_attr
    def place(cls) -> Mapped["Place"]:
        """Where it stands."""
        return relationship("Place")

    @declared_attr
    def stock(cls) -> Mapped[list["Shelf"]]:
        made = f"{cls.__name__}.id == Shelf.shop_id"
        return relationship("Shelf", primaryjoin=made, viewonly=True)

    @declared_attr.directive
    def __tablename__(cls):
        return cls.__name__.lower()


class Place(Base):
    __tablename__ = "place"

    id: Mapped[int] = mapped_column(primary_key=True)
    town: Mapped[str]


class Shop(_Placed, Base):
    id: Mapped[int] = mapped_column(primary_key=True)
    town: AssociationProxy[str] = association_proxy("place", "town")
    shelves: Mapped[list["Shelf"]] = relationship()
    labels = association_proxy("shelves", "label")


class Shelf(Base):
    __tablename__ = "shelf"

    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str]
    shop_id: Mapped[int] = mapped_column(ForeignKey("shop.id"))


Base.metadata.create_all(engine)
with engine.begin() as connection:
    connection.execute(insert(Place), {"id": 1, "town": "Portland"})
    connection.execute(insert(Shop), {"id": 1, "place_id": 1})
    connection.execute(insert(Shelf), {"id": 1, "label": "A", "shop_id": 1})


def declared_relationship():
    with SessionLocal() as session:
        shop = session.get(Shop, 1)
    print(shop.place_id)  # quiet: a loaded column
    print(shop.place)  # finding: shop.place is not loaded and its session is closed


def declared_relationship_loaded():
    with SessionLocal() as session:
        shop = session.scalars(select(Shop).options(joinedload(Shop.place))).one()
    print(shop.place.town)  # quiet: loaded with the query


def proxy():
    with SessionLocal() as session:
        shop = session.get(Shop, 1)
    print(shop.town)  # finding: Shop.place is not loaded and its session is closed


def proxy_in_its_session():
    with SessionLocal() as session:
        shop = session.get(Shop, 1)
        print(shop.town)  # quiet: the session is open
    print(shop.town)  # quiet: loaded by the read before


def proxy_loaded():
    with SessionLocal() as session:
        shop = session.scalars(select(Shop).options(joinedload(Shop.place))).one()
    print(shop.town)  # quiet: loaded with the query


def proxy_of_a_collection():
    with SessionLocal() as session:
        shop = session.get(Shop, 1)
    print(list(shop.labels))  # finding: Shop.shelves is not loaded and its session is closed


def proxy_of_a_loaded_collection():
    with SessionLocal() as session:
        shop = session.scalars(select(Shop).options(selectinload(Shop.shelves))).one()
    print(list(shop.labels))  # quiet: loaded with the query


def declared_at_the_end_of_a_function():
    with SessionLocal() as session:
        shop = session.get(Shop, 1)
    print(shop.stock)  # finding: shop.stock is not loaded and its session is closed
