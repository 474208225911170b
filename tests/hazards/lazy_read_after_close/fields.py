"""Objects in the fields of others: put there by one method, read by another."""

from collections import defaultdict, deque
from dataclasses import dataclass, field


class Basket:
    def __init__(self):
        self.author = None
        self.authors = []
        self.by_id = {}
        self.several = set()
        self.groups = defaultdict(list)
        self.waiting: deque[Author] = deque()
        self.fixed = {"first": None}

    def keep(self):
        with SessionLocal() as session:
            self.author = session.get(Author, 1)

    def append(self):
        with SessionLocal() as session:
            self.authors.append(session.get(Author, 1))

    def append_read(self):
        with SessionLocal() as session:
            author = session.get(Author, 1)
            len(author.books)
            self.authors.append(author)

    def extend(self):
        with SessionLocal() as session:
            self.authors.extend(session.scalars(select(Author)))

    def extend_loaded(self):
        with SessionLocal() as session:
            self.authors.extend(session.scalars(select(Author).options(selectinload(Author.books))))

    def increase(self):
        with SessionLocal() as session:
            self.authors += session.scalars(select(Author)).all()

    def put(self):
        with SessionLocal() as session:
            for author in session.scalars(select(Author)):
                self.by_id[author.id] = author

    def update(self):
        with SessionLocal() as session:
            self.by_id.update({author.id: author for author in session.scalars(select(Author))})

    def add(self):
        with SessionLocal() as session:
            self.several.add(session.get(Author, 1))

    def group(self):
        with SessionLocal() as session:
            for author in session.scalars(select(Author)):
                self.groups[author.name].append(author)

    def group_by_default(self):
        with SessionLocal() as session:
            for author in session.scalars(select(Author)):
                self.by_id.setdefault(author.id, []).append(author)

    def queue(self):
        with SessionLocal() as session:
            self.waiting.append(session.get(Author, 1))

    def name(self):
        with SessionLocal() as session:
            self.fixed["second"] = session.get(Author, 1)

    def clear(self):
        self.authors = []

    def empty(self):
        self.authors.clear()

    def replace_all(self):
        with SessionLocal() as session:
            self.authors = session.scalars(select(Author).options(selectinload(Author.books))).all()

    def first_books(self):
        return self.author.books

    def all_books(self):
        return [author.books for author in self.authors]


def one_object():
    basket = Basket()
    basket.keep()
    print(basket.author.name)  # quiet: a loaded column stays readable
    basket.first_books()  # finding: Author.books is not loaded


def in_a_list():
    basket = Basket()
    basket.append()
    print(basket.authors[0].name)  # quiet: a loaded column stays readable
    basket.all_books()  # finding: Author.books is not loaded


def in_a_list_and_read_before():
    basket = Basket()
    basket.append_read()
    print(basket.all_books())  # quiet: read while the session was open


def a_list_that_grows():
    basket = Basket()
    basket.extend()
    for author in basket.authors:
        print(author.books)  # finding: author.books is not loaded


def a_list_that_grows_with_what_is_loaded():
    basket = Basket()
    basket.extend_loaded()
    for author in basket.authors:
        print(author.books)  # quiet: loaded with the query


def one_list_and_another():
    basket = Basket()
    basket.increase()
    for author in basket.authors:
        print(author.books)  # finding: author.books is not loaded


def under_a_key():
    basket = Basket()
    basket.put()
    print(basket.by_id[1].books)  # finding: basket.by_id[1].books is not loaded


def under_a_key_that_may_be_missing():
    basket = Basket()
    basket.put()
    author = basket.by_id.get(1)
    if author is not None:
        print(author.books)  # finding: author.books is not loaded


def all_values():
    basket = Basket()
    basket.update()
    for author in basket.by_id.values():
        print(author.books)  # finding: author.books is not loaded


def all_items():
    basket = Basket()
    basket.update()
    for author_id, author in basket.by_id.items():
        print(author_id, author.name)  # quiet: a loaded column stays readable
        print(author_id, author.books)  # finding: author.books is not loaded


def in_a_set():
    basket = Basket()
    basket.add()
    for author in basket.several:
        print(author.books)  # finding: author.books is not loaded


def in_groups():
    basket = Basket()
    basket.group()
    for author in basket.groups["Ursula"]:
        print(author.books)  # finding: author.books is not loaded


def in_lists_within_a_dict():
    basket = Basket()
    basket.group_by_default()
    for author in basket.by_id[1]:
        print(author.books)  # finding: author.books is not loaded


def in_groups_of_a_function():
    groups = defaultdict(list)
    with SessionLocal() as session:
        for author in session.scalars(select(Author)):
            groups[author.name].append(author)
    for members in groups.values():
        for author in members:
            print(author.books)  # finding: author.books is not loaded


def in_groups_that_are_read_in_time():
    groups = {}
    with SessionLocal() as session:
        for author in session.scalars(select(Author)):
            groups.setdefault(author.name, []).append(author)
        for members in groups.values():
            for author in members:
                print(author.books)  # quiet: the session is open
    for author in groups["Ursula"]:
        print(author.books)  # quiet: read before


def in_a_queue():
    basket = Basket()
    basket.queue()
    print(basket.waiting.popleft().books)  # finding: basket.waiting.popleft().books is not loaded


def under_a_key_that_is_spelled_out():
    basket = Basket()
    basket.name()
    print(basket.fixed["second"].books)  # finding: basket.fixed["second"].books is not loaded


def thrown_away():
    basket = Basket()
    basket.append()
    basket.clear()
    print(basket.all_books())  # quiet: the list is another one


def emptied():
    basket = Basket()
    basket.append()
    basket.empty()
    print(basket.all_books())  # quiet: nothing is in there


def put_in_its_place():
    basket = Basket()
    basket.append()
    basket.replace_all()
    print(basket.all_books())  # quiet: the list is another one


def attached_again():
    basket = Basket()
    basket.append()
    with SessionLocal() as session:
        for author in basket.authors:
            session.add(author)
            print(author.books)  # quiet: it has a session again


class Registry:
    def __init__(self):
        self.authors = {}

    def add_authors(self, authors):
        self.authors.update(authors)


class Importer:
    def __init__(self):
        self.registry = Registry()

    def load(self):
        with SessionLocal() as session:
            self.registry.add_authors({author.name: author for author in session.scalars(select(Author))})

    def load_all(self):
        with SessionLocal() as session:
            authors = session.scalars(select(Author).options(selectinload(Author.books))).all()
            self.registry.add_authors({author.name: author for author in authors})

    def books(self, names):
        found = [self.registry.authors[name] for name in names if name in self.registry.authors]
        return [author.books for author in found]


def in_a_registry():
    importer = Importer()
    importer.load()
    importer.books(["Ursula"])  # finding: Author.books is not loaded


def all_in_a_registry():
    importer = Importer()
    importer.load_all()
    print(importer.books(["Ursula"]))  # quiet: loaded with the query


@dataclass
class Shelf:
    author: Author | None = None
    authors: list[Author] = field(default_factory=list)
    by_id: dict[int, Author] = field(default_factory=dict)


def in_a_dataclass():
    with SessionLocal() as session:
        shelf = Shelf(session.get(Author, 1))
    print(shelf.author.books)  # finding: shelf.author.books is not loaded


def in_a_list_of_a_dataclass():
    shelf = Shelf()
    with SessionLocal() as session:
        shelf.authors.append(session.get(Author, 1))
    print(shelf.authors[0].books)  # finding: shelf.authors[0].books is not loaded


def in_a_dict_of_a_dataclass():
    shelf = Shelf()
    with SessionLocal() as session:
        shelf.by_id[1] = session.get(Author, 1)
        print(shelf.by_id[1].books)  # quiet: the session is open
    print(shelf.by_id[1].name)  # quiet: a loaded column stays readable


def each_has_its_own():
    shelf, other = Shelf(), Shelf()
    with SessionLocal() as session:
        shelf.authors.append(session.get(Author, 1))
    for author in other.authors:
        print(author.books)
    print(len(shelf.authors))  # quiet: the other one is empty


def one_of_two():
    shelf = Shelf()
    with SessionLocal() as session:
        shelf.authors.append(session.get(Author, 1))
        shelf.authors = session.scalars(select(Author).options(selectinload(Author.books))).all()
    for author in shelf.authors:
        print(author.books)  # quiet: loaded with the query
