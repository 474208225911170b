"""What makes sessions: ``sessionmaker``, ``async_sessionmaker``, ``Session`` itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from outlive.check.flow import classes, reads
from outlive.check.flow.arguments import Given, evaluate_term
from outlive.check.flow.values import ClassValue, Const, Factory, Group, Ref, Spot, Value
from outlive.check.ir import Term
from outlive.check.program import KEEPING, ClassSymbol, External, Module

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter


SESSIONS = {"Session": False, "AsyncSession": True}
SCOPED = {"scoped_session": False, "async_scoped_session": True}
FACTORIES = {"sessionmaker": False, "async_sessionmaker": True}

EXTENSION = Factory(False, True, "scoped_session", None, scoped=True)
"""``db.session`` of Flask-SQLAlchemy."""

_OWN_SESSIONS = ("session", "create_scoped_session", "create_session", "_make_scoped_session")
"""Methods of Flask-SQLAlchemy's class, 2.0 to 3.1, with which a subclass makes sessions in a way of its own."""


def is_extension(run: Interpreter, value: Value) -> bool:
    """Whether it is ``db`` of ``db = SQLAlchemy()``, or of a subclass."""
    if isinstance(value, Ref):
        plain = run.global_plains.get(value.oid)
        return plain is not None and plain.fields.get("session") == EXTENSION
    return isinstance(value, External) and value.dotted.endswith(".SQLAlchemy()")


def extension_above(run: Interpreter, symbol: ClassSymbol) -> External | None:
    """Flask-SQLAlchemy's own class that a class inherits from."""
    bases = run.program.lineage(symbol)[1]
    return next((base for base in bases if isinstance(base, External) and base.sqlalchemy == "SQLAlchemy"), None)


def of_extension(run: Interpreter, symbol: ClassSymbol, given: Given) -> Factory | None:
    """``session`` of what a subclass of Flask-SQLAlchemy's class makes, unless it makes that in a way of its own."""
    if extension_above(run, symbol) is None or not makes_usual_sessions(given):
        return None
    inside = run.program.lineage(symbol)[0]
    own = {attribute.name for class_ in inside for attribute in class_.facts.attributes}
    if not own.isdisjoint(_OWN_SESSIONS) or any(reads.method(run, symbol, name) for name in _OWN_SESSIONS):
        return None
    init = reads.method(run, symbol, "__init__")
    return EXTENSION if init is None or "session" not in init.facts.text else None


def makes_usual_sessions(given: Given) -> bool:
    """Whether ``SQLAlchemy(...)`` says nothing about when the objects of its sessions expire."""
    options = given.keyword("session_options")
    usual = options is None or (isinstance(options, Group) and "expire_on_commit" not in options.names)
    return usual and not given.starred


def of_model(run: Interpreter, symbol: ClassSymbol) -> Factory | None:
    """The sessions behind ``query`` of a class below ``db.Model``."""
    for class_ in run.program.lineage(symbol)[0]:
        for base in class_.facts.bases:
            owner, _, last = base.head.rpartition(".")
            if last == "Model" and is_extension(run, evaluate_term(run, class_.module, Term("name", owner))):
                return EXTENSION
    return None


def made(run: Interpreter, given: Given, function: External, spot: Spot) -> Value:
    made_class = given.keyword("class_")
    is_async = FACTORIES[function.sqlalchemy]
    keeps = function.dotted in KEEPING
    made = "AsyncSession" if is_async else "Session"
    if isinstance(made_class, External):
        made = exact_name(made_class)
        is_async = is_async or "Async" in made_class.last
    elif made_class is not None:
        made = ""
        subclass = classes.session_class(run, made_class.symbol) if isinstance(made_class, ClassValue) else None
        if subclass is not None:
            is_async = subclass.is_async
    expires = flag(given, "expire_on_commit", None if given.starred else not keeps)
    if made_class is not None and not made and expires is True and given.keyword("expire_on_commit") is None:
        expires = True if isinstance(made_class, ClassValue) else None
    fixable = given.keyword("expire_on_commit") is None and not given.starred
    autoflush = flag(given, "autoflush", True) is not False
    final = flag(given, "close_resets_only", True) is False
    kept = keeps and expires is not True
    factory = Factory(is_async, expires, made, spot, fixable, autoflush=autoflush, final=final, keeps=kept)
    run.log.factories[spot] = factory
    return factory


def exact_name(session_class: External) -> str:
    """``Session`` or ``AsyncSession``; SQLModel's, which have a method more, by their whole name; else empty."""
    if session_class.sqlalchemy not in SESSIONS:
        return ""
    return session_class.sqlalchemy if session_class.library == "sqlalchemy" else session_class.dotted


def told(factory: Factory, given: Given) -> Factory:
    """A factory with the keywords of a call of it, or of its ``configure``."""
    expires = flag(given, "expire_on_commit", None if given.starred else factory.expires)
    if given.keyword("expire_on_commit") is None:
        return replace(factory, expires=expires)
    return replace(factory, expires=expires, fixable=False, asked=True)


def flag(given: Given, name: str, default: bool | None) -> bool | None:
    value = given.keyword(name)
    if value is None:
        return default
    return value.value if isinstance(value, Const) and isinstance(value.value, bool) else None


def annotated(run: Interpreter, module: Module, annotation: Term | None) -> Factory | None:
    """What ``sessionmaker[Session]`` promises: a factory as the others of the program."""
    if annotation is None or not annotation.head.endswith("sessionmaker"):
        return None
    symbol = run.program.resolve(module, annotation.head)
    if not isinstance(symbol, External) or symbol.sqlalchemy not in ("sessionmaker", "async_sessionmaker"):
        return None
    made = run.program.resolve(module, annotation.parts[0].head) if annotation.parts else None
    is_async = symbol.sqlalchemy == "async_sessionmaker" or (
        isinstance(made, External) and made.sqlalchemy == "AsyncSession"
    )
    return Factory(is_async, run.default_expires[is_async], exact_name(made) if isinstance(made, External) else "")
