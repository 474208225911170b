"""Writes random small programs over the shop.

A program is text: helpers, then ``main``, whose parameters decide what a static check cannot know: which way a
condition goes, how often a loop goes round, whether a query finds rows.  The writer knows which names stand for what,
so that most programs run to their end, and nothing about lifetimes: what becomes of a read is for SQLAlchemy to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

COLUMNS = {
    "Author": ("id", "name", "biography"),
    "Book": ("id", "title", "price", "changed_at"),
    "Profile": ("id", "motto"),
    "Award": ("id", "title"),
}
ONE = {
    "Author": {"profile": "Profile"},
    "Book": {"author": "Author"},
    "Profile": {"author": "Author"},
    "Award": {"author": "Author"},
}
MANY = {"Author": {"books": "Book", "awards": "Award"}}
TEXT = {"Author": "name", "Book": "title", "Profile": "motto", "Award": "title"}
DEEPEST = 3
PARAMETERS = {
    "first": (False, True),
    "second": (False, True),
    "rounds": (0, 1, 2),
    "some": (False, True),
    "key": (1, 2),
}
"""What ``main`` can be called with; a program uses some of them."""
QUERIED = frozenset({"some", "key"})
"""Those that only say which rows are asked for."""

CLASSES = ("Author", "Author", "Book", "Book", "Profile")


@dataclass(frozen=True, slots=True)
class Program:
    """A generated program.

    Attributes:
        seed: Writes the same program again.
        is_async: ``main`` is a coroutine function, with an ``AsyncSession``.
        text: A module that defines ``main``.
        parameters: Those of ``main``.
    """

    seed: int
    is_async: bool
    text: str
    parameters: tuple[str, ...]


@dataclass(slots=True)
class Scope:
    """What can be named at one point: objects and lists of objects with their class, and an open session.

    Attributes:
        parameters: Those of the function.
        fresh: The session has no transaction, so ``begin()`` is allowed.
        managed: A block ends the transaction, so nothing in it may.
    """

    session: str | None = None
    objects: dict[str, str] = field(default_factory=dict[str, str])
    lists: dict[str, str] = field(default_factory=dict[str, str])
    parameters: tuple[str, ...] = ()
    fresh: bool = False
    managed: bool = False

    @property
    def flags(self) -> list[str]:
        return [name for name in self.parameters if name in ("first", "second")]

    def inner(self, session: str | None = None) -> Scope:
        return Scope(
            session or self.session, dict(self.objects), dict(self.lists), self.parameters, managed=self.managed
        )


def write_program(seed: int, *, is_async: bool) -> Program:
    """The program of a seed."""
    writer = Writer(Random(f"{seed} {is_async}"), is_async)
    writer.module()
    return Program(seed, is_async, "\n".join(writer.lines) + "\n", writer.parameters)


class Writer:
    """Writes one program, line by line."""

    def __init__(self, random: Random, is_async: bool) -> None:
        self.random = random
        self.is_async = is_async
        self.wait, self.with_, self.def_ = ("await ", "async with", "async def") if is_async else ("", "with", "def")
        self.lines: list[str] = []
        self.depth = 0
        self.names = 0
        self.parameters = tuple(random.sample(list(PARAMETERS), 2))
        self.has_handler = False  # One is enough: what two failures in one run lead to is not tried out.
        self.helpers: list[Callable[[Scope], None]] = []

    # -- text ----------------------------------------------------------------------------------------------------

    def line(self, text: str) -> None:
        self.lines.append(f"{'    ' * self.depth}{text}".rstrip())

    @contextmanager
    def indented(self, head: str) -> Iterator[None]:
        self.line(head)
        self.depth += 1
        before = len(self.lines)
        yield
        if len(self.lines) == before:
            self.line("pass")
        self.depth -= 1

    def name(self, class_name: str) -> str:
        self.names += 1
        return f"{class_name.lower()}_{self.names}"

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    # -- the module ----------------------------------------------------------------------------------------------

    def module(self) -> None:
        self.line("from tests.truth.shop import *")
        for write in self.random.sample(HELPERS, self.random.choice([0, 1, 1, 2, 2, 3])):
            self.line("")
            self.line("")
            write(self)
        self.line("")
        self.line("")
        with self.indented(f"{self.def_} main({', '.join(self.parameters)}):"):
            scope = Scope(parameters=self.parameters)
            for _ in range(self.random.choice([1, 1, 1, 2])):
                self.session_block(scope)
                self.statements(scope, self.random.randint(1, 4))

    def session_block(self, scope: Scope) -> None:
        """Open a session, work with it, close it; its objects stay in scope."""
        session = self.random.choice(["session", "db"])
        inner = scope.inner(session)
        inner.fresh = True
        length = self.random.randint(2, 7)
        match self.random.randrange(8):
            case 0:
                inner.managed, inner.fresh = True, False
                with self.indented(f"{self.with_} {self.factory()}.begin() as {session}:"):
                    self.statements(inner, length)
            case 1:
                inner.managed, inner.fresh = True, False
                with self.indented(f"{self.with_} {self.opened()} as {session}, {session}.begin():"):
                    self.statements(inner, length)
            case 2:
                self.line(f"{session} = {self.opened()}")
                self.statements(inner, length)
                self.line(f"{self.wait}{session}.close()")
                if self.chance(50):
                    self.statements(inner, self.random.randint(1, 3))
            case 3 if (unit := self.unit_of_work) is not None:
                with self.indented(f"{self.with_} {unit}() as {session}:"):
                    self.statements(inner, length)
            case _:
                with self.indented(f"{self.with_} {self.opened()} as {session}:"):
                    self.statements(inner, length)
        scope.objects.update(inner.objects)
        scope.lists.update(inner.lists)

    unit_of_work: str | None = None

    def factory(self) -> str:
        return ("Async" if self.is_async else "") + self.random.choice(["Expiring", "Keeping"])

    def opened(self) -> str:
        flag = self.random.choice(["", "expire_on_commit=False", "expire_on_commit=True"])
        if self.chance(50):
            return f"{self.factory()}({flag if self.chance(40) else ''})"
        engine = "AsyncSession(async_engine" if self.is_async else "Session(engine"
        return f"{engine}{', ' + flag if flag else ''})"

    # -- statements ----------------------------------------------------------------------------------------------

    def statements(self, scope: Scope, count: int) -> None:
        for _ in range(count):
            table = IN_SESSION if scope.session else ANYWHERE
            writers, weights = zip(*table, strict=True)
            tries = self.random.choices(writers, weights, k=5)
            if scope.session and not scope.objects:
                tries = [Writer.begin if scope.fresh and self.chance(30) else Writer.load]
            for write in tries:
                before = len(self.lines)
                write(self, scope)
                if len(self.lines) > before:
                    scope.fresh = write == Writer.transact and scope.fresh
                    break

    def body(self, scope: Scope, most: int = 2) -> None:
        """An inner block; names that it binds are not known behind it."""
        if self.depth > 5:
            most = 1
        self.statements(scope.inner(), self.random.randint(1, most))

    def some(self, scope: Scope, *class_names: str) -> tuple[str, str] | None:
        found = [(name, of) for name, of in scope.objects.items() if not class_names or of in class_names]
        return self.random.choice(found[-4:]) if found else None

    def target(self, scope: Scope, class_name: str) -> str:
        """A name to bind: mostly a new one."""
        same = [name for name, of in scope.objects.items() if of == class_name]
        name = self.random.choice(same) if same and self.chance(25) else self.name(class_name)
        scope.objects[name] = class_name
        return name

    # -- loading and making ----------------------------------------------------------------------------------------

    def load(self, scope: Scope) -> None:
        class_name = self.random.choice(CLASSES)
        session, wait, key = scope.session, self.wait, self.key(scope)
        options = self.options(class_name)
        query = f"select({class_name}){options}"
        where = query + f".where({class_name}.id == {key})"
        if self.chance(20):
            name = f"{self.name(class_name)}s"
            scope.lists[name] = class_name
            few = f".where({class_name}.id <= 9 * some)" if "some" in scope.parameters else ""
            rows = f"{wait}{session}.scalars({query}{few}.order_by({class_name}.id))"
            self.line(f"{name} = ({rows}).all()" if self.is_async else f"{name} = {rows}.all()")
            return
        rows = self.random.choice([f"scalars({where})", f"execute({where})"])
        one = "scalar_one()" if rows.startswith("execute") else "one()"
        found = f"({wait}{session}.{rows})" if self.is_async else f"{session}.{rows}"
        choices = [
            f"{wait}{session}.get({class_name}, {key})",
            f"{found}.{one}",
            f"{wait}{session}.scalar({where})",
        ]
        if not self.is_async:
            choices.append(f"{session}.query({class_name}){options}.filter_by(id={key}).one()")
        text = self.random.choice(choices)
        self.line(f"{self.target(scope, class_name)} = {text}")

    def key(self, scope: Scope) -> str:
        return "key" if "key" in scope.parameters else "1"

    def options(self, class_name: str) -> str:
        if self.chance(60):
            return ""
        relations = [*ONE[class_name].items(), *MANY.get(class_name, {}).items()]
        relation, target = self.random.choice(relations)
        option = f"{self.random.choice(['selectinload', 'selectinload', 'joinedload'])}({class_name}.{relation})"
        if "joinedload" in option and relation in MANY.get(class_name, {}):
            option = option.replace("joinedload", "selectinload")
        if self.chance(25):
            deeper = self.random.choice([*ONE[target], *MANY.get(target, {})])
            option += f".selectinload({target}.{deeper})"
        if class_name == "Author" and self.chance(25):
            option += ", undefer(Author.biography)"
        return f".options({option})"

    def make(self, scope: Scope) -> None:
        class_name = self.random.choice(CLASSES)
        values = [f'{TEXT[class_name]}="New {self.names}"']
        for relation, target in ONE[class_name].items():
            found = self.some(scope, target)
            if found and self.chance(50):
                values.append(f"{relation}={found[0]}")
        if class_name == "Author" and self.chance(30):
            values.append(f'books=[Book(title="First {self.names}")]')
        name = self.name(class_name)
        scope.objects[name] = class_name
        self.line(f"{name} = {class_name}({', '.join(values)})")
        if scope.session and self.chance(85):
            self.line(f"{scope.session}.add({name})")
            if self.chance(50):
                word = "flush" if scope.managed else self.random.choice(["flush", "commit"])
                self.line(f"{self.wait}{scope.session}.{word}()")

    # -- reading and changing --------------------------------------------------------------------------------------

    def read(self, scope: Scope) -> None:
        found = self.some(scope)
        if found is None:
            return
        name, class_name = found
        many, one = MANY.get(class_name, {}), ONE[class_name]
        attribute = self.random.choice([*COLUMNS[class_name], *many, *one, *many, *one])
        if attribute in COLUMNS[class_name]:
            form = self.random.choice(["print({})", "seen = {}", "seen = f'{{{}}}'", "print(str({}))"])
            self.line(form.format(f"{name}.{attribute}"))
        elif attribute in many:
            inner = TEXT[many[attribute]]
            form = self.random.choice(["print(len({}))", f"print([each.{inner} for each in {{}}])", "print(list({}))"])
            self.line(form.format(f"{name}.{attribute}"))
        else:
            inner = self.random.choice(COLUMNS[one[attribute]])
            form = self.random.choice(["print({} is None)", f"print({{0}}.{inner} if {{0}} else None)"])
            self.line(form.format(f"{name}.{attribute}"))

    def read_specially(self, scope: Scope) -> None:
        """Ways of reading that may load in async code too."""
        found = self.some(scope)
        if found is None or not self.is_async or scope.session is None:
            return
        name, class_name = found
        attribute = self.random.choice([*COLUMNS[class_name], *MANY.get(class_name, {}), *ONE[class_name]])
        if self.chance(50):
            self.line(f"print(await {scope.session}.run_sync(lambda _: {name}.{attribute}))")
        else:
            self.line(f"print(await {name}.awaitable_attrs.{attribute})")

    def read_list(self, scope: Scope) -> None:
        if not scope.lists:
            return
        name, class_name = self.random.choice(list(scope.lists.items()))
        attribute = self.random.choice([*COLUMNS[class_name], *MANY.get(class_name, {}), *ONE[class_name]])
        if self.chance(50):
            self.line(f"print([each.{attribute} for each in {name}])")
        else:
            column = self.random.choice(COLUMNS[class_name])
            self.line(f"print({name}[-1].{column} if {name} else None)")

    def change(self, scope: Scope) -> None:
        found = self.some(scope)
        if found is None:
            return
        name, class_name = found
        author, book = self.some(scope, "Author"), self.some(scope, "Book")
        if class_name == "Book" and author and self.chance(30):
            self.line(f"{name}.author = {author[0]}")
        elif class_name == "Author" and book and self.chance(20):
            self.line(f"{name}.books.append({book[0]})")
        elif class_name == "Book" and self.chance(40):
            self.line(f"{name}.price += 1")
        else:
            self.line(f'{name}.{TEXT[class_name]} = "Changed {len(self.lines)}"')

    # -- the session -----------------------------------------------------------------------------------------------

    def transact(self, scope: Scope) -> None:
        words = ["flush"] if scope.managed else ["commit", "commit", "commit", "rollback", "flush", "flush"]
        word = self.random.choice(words)
        self.line(f"{self.wait}{scope.session}.{word}()")
        scope.fresh = word in ("commit", "rollback")

    def close(self, scope: Scope) -> None:
        if not scope.managed:
            self.line(f"{self.wait}{scope.session}.close()")

    def of_object(self, scope: Scope) -> None:
        found = self.some(scope)
        if found is None:
            return
        name, class_name = found
        word = self.random.choice(["expire", "refresh", "refresh", "refresh", "expunge", "add", "delete"])
        names = [*COLUMNS[class_name], *MANY.get(class_name, {}), *ONE[class_name]]
        more = f', ["{self.random.choice(names[1:])}"]' if word in ("expire", "refresh") and self.chance(50) else ""
        wait = self.wait if word in ("refresh", "delete") else ""
        self.line(f"{wait}{scope.session}.{word}({name}{more})")

    def of_all(self, scope: Scope) -> None:
        self.line(f"{scope.session}.{self.random.choice(['expire_all', 'expunge_all'])}()")

    def merge(self, scope: Scope) -> None:
        found = self.some(scope)
        if found is None:
            return
        name, class_name = found
        target = name if self.chance(50) else self.name(class_name)
        scope.objects[target] = class_name
        self.line(f"{target} = {self.wait}{scope.session}.merge({name})")

    # -- blocks ----------------------------------------------------------------------------------------------------

    def branch(self, scope: Scope) -> None:
        if not scope.flags or self.depth > DEEPEST:
            return
        with self.indented(f"if {self.random.choice(['', 'not '])}{self.random.choice(scope.flags)}:"):
            self.body(scope)
            if self.chance(15) and self.depth == 2:
                self.line("return")
        if self.chance(40):
            with self.indented("else:"):
                self.body(scope)

    def loop(self, scope: Scope) -> None:
        if self.depth > DEEPEST:
            return
        authors = [name for name, of in scope.objects.items() if of == "Author"]
        inner = scope.inner()
        if scope.lists and "some" in scope.parameters and self.chance(60):
            name, class_name = self.random.choice(list(scope.lists.items()))
            element, head = self.name(class_name), name
        elif authors and "key" in scope.parameters and self.chance(50):
            name = self.random.choice(authors)
            element, class_name, head = self.name("Book"), "Book", f"list({name}.books)"
        else:
            if "rounds" in scope.parameters:
                with self.indented("for _ in range(rounds):"):
                    self.body(scope, 4)
            return
        inner.objects[element] = class_name
        with self.indented(f"for {element} in {head}:"):
            self.statements(inner, self.random.randint(1, 3))

    def handled(self, scope: Scope) -> None:
        if self.depth > DEEPEST or self.has_handler:
            return
        self.has_handler = True
        session = scope.session
        with self.indented("try:"):
            self.body(scope)
            if scope.flags and self.chance(60):
                self.line(f"if {self.random.choice(scope.flags)}:")
                self.line("    raise ValueError")
            if session and not scope.managed and self.chance(50):
                self.line(f"{self.wait}{session}.commit()")
        with self.indented("except ValueError:"):
            if session and not scope.managed and self.chance(80):
                self.line(f"{self.wait}{session}.rollback()")
            self.body(scope, 2)
        if self.chance(15):
            with self.indented("finally:"):
                self.body(scope, 2)

    def nested(self, scope: Scope) -> None:
        if self.depth > DEEPEST:
            return
        head = f"{self.with_} {scope.session}.begin_nested():"
        managed = scope.inner()
        managed.managed = True
        if self.has_handler or self.chance(50):
            with self.indented(head):
                self.body(managed)
            return
        self.has_handler = True
        with self.indented("try:"), self.indented(head):
            self.body(managed)
            if scope.flags:
                self.line(f"if {self.random.choice(scope.flags)}:")
                self.line("    raise ValueError")
        with self.indented("except ValueError:"):
            self.body(scope, 1)

    def begin(self, scope: Scope) -> None:
        if not scope.fresh:
            return
        with self.indented(f"{self.with_} {scope.session}.begin():"):
            inner = scope.inner()
            inner.managed = True
            self.statements(inner, self.random.randint(1, 4))
        scope.objects.update(inner.objects)
        scope.lists.update(inner.lists)

    def quietly(self, scope: Scope) -> None:
        with self.indented(f"with {scope.session}.no_autoflush:"):
            self.body(scope, 2)

    def help(self, scope: Scope) -> None:
        if self.helpers:
            self.random.choice(self.helpers)(scope)

    # -- helpers ---------------------------------------------------------------------------------------------------

    def loader(self) -> None:
        """``def load_author(session)``, with a session of its own or its caller's."""
        own = self.chance(50)
        class_name = self.random.choice(CLASSES)
        function = f"load_{class_name.lower()}"
        scope = Scope("session")
        with self.indented(f"{self.def_} {function}({'' if own else 'session'}):"):
            if own:
                with self.indented(f"{self.with_} {self.opened()} as session:"):
                    self.line(f"found = {self.wait}session.get({class_name}, 1)")
                    scope.objects["found"] = class_name
                    if self.chance(60):
                        self.statements(scope, self.random.randint(1, 3))
                    if inside := self.chance(50):
                        self.line("return found")
                if not inside:
                    self.line("return found")
            else:
                self.line(f"found = {self.wait}session.get({class_name}, 1)")
                scope.objects["found"] = class_name
                if self.chance(50):
                    self.statements(scope, self.random.randint(1, 3))
                self.line("return found")

        def use(at: Scope) -> None:
            if own or (at.session and not at.managed):
                given = "" if own else at.session
                self.line(f"{self.target(at, class_name)} = {self.wait}{function}({given})")

        self.helpers.append(use)

    def saver(self) -> None:
        """``def save(session, obj)``: works with what its caller has."""
        class_name = self.random.choice(CLASSES)
        function = f"save_{class_name.lower()}"
        with self.indented(f"{self.def_} {function}(session, obj):"):
            self.statements(Scope("session", {"obj": class_name}), self.random.randint(1, 4))

        def use(at: Scope) -> None:
            found = self.some(at, class_name)
            if found and at.session and not at.managed:
                self.line(f"{self.wait}{function}({at.session}, {found[0]})")

        self.helpers.append(use)

    def shower(self) -> None:
        """``def show(obj)``: reads."""
        class_name = self.random.choice(CLASSES)
        function = f"show_{class_name.lower()}"
        with self.indented(f"def {function}(obj):"):
            self.read(Scope(None, {"obj": class_name}))
            if self.chance(30):
                self.read(Scope(None, {"obj": class_name}))

        def use(at: Scope) -> None:
            found = self.some(at, class_name)
            if found:
                self.line(f"{function}({found[0]})")

        self.helpers.append(use)

    def unit(self) -> None:
        """A context manager that commits or not, and closes."""
        self.unit_of_work = "unit_of_work"
        self.line("@asynccontextmanager" if self.is_async else "@contextmanager")
        with self.indented(f"{self.def_} unit_of_work():"):
            self.line(f"session = {self.opened()}")
            with self.indented("try:"):
                self.line("yield session")
                if self.chance(70):
                    self.line(f"{self.wait}session.commit()")
            if self.chance(50):
                with self.indented("except Exception:"):
                    self.line(f"{self.wait}session.rollback()")
                    self.line("raise")
            with self.indented("finally:"):
                self.line(f"{self.wait}session.close()")

    def repository(self) -> None:
        """A class that holds a session."""
        class_name = self.random.choice(CLASSES)
        function = f"{class_name}s"
        self.line(f"class {function}:")
        self.depth += 1
        with self.indented("def __init__(self, session):"):
            self.line("self.session = session")
        self.line("")
        with self.indented(f"{self.def_} get(self, key):"):
            self.line(f"return {self.wait}self.session.get({class_name}, key)")
        self.line("")
        with self.indented(f"{self.def_} save(self, obj):"):
            self.statements(Scope("self.session", {"obj": class_name}), self.random.randint(1, 3))
        self.depth -= 1

        def use(at: Scope) -> None:
            if not at.session or at.managed:
                return
            found = self.some(at, class_name)
            if found and self.chance(60):
                self.line(f"{self.wait}{function}({at.session}).save({found[0]})")
            else:
                self.line(f"{self.target(at, class_name)} = {self.wait}{function}({at.session}).get({self.key(at)})")

        self.helpers.append(use)


HELPERS = [Writer.loader, Writer.saver, Writer.shower, Writer.unit, Writer.repository]
ANYWHERE = [
    (Writer.read, 12), (Writer.read_list, 3), (Writer.change, 1), (Writer.branch, 2), (Writer.loop, 1),
    (Writer.help, 3), (Writer.make, 1),
]  # fmt: skip
IN_SESSION = [
    (Writer.load, 6), (Writer.make, 3), (Writer.read, 8), (Writer.read_specially, 1), (Writer.read_list, 2),
    (Writer.change, 5), (Writer.transact, 8), (Writer.close, 1), (Writer.of_object, 4), (Writer.of_all, 1),
    (Writer.merge, 1), (Writer.branch, 3), (Writer.loop, 3), (Writer.handled, 2), (Writer.nested, 1),
    (Writer.begin, 2), (Writer.quietly, 1), (Writer.help, 3),
]  # fmt: skip
