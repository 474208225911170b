"""What is known of libraries that are not part of the program: data, one TOML file per library.

``libraries/*.toml`` are ours; a project names files of its own with the key ``libraries``.  A file looks like this::

    [[handover]]                           # these calls hand work over to somebody else
    calls = ["asyncio.create_task"]        # dotted; "pkg.Class().method" is a method of what the class makes
    work = 0                               # where the function or coroutine stands: a position or a keyword
    named = "work"                         # the keyword that it may have instead of that position
    arguments = "rest"                     # where its arguments are: behind it (each: iterables of them), or a keyword
    position = 1                           # where that keyword's argument may stand besides
    keywords = "kwargs"                    # where its keyword arguments are, where they stand under a keyword
    runs = "beside"                        # beside the caller, in a thread, in a process, afterwards, or batched
    executor = 0                           # where an executor stands: how its own `submit` runs is how this does

    [[cache]]                              # these decorators keep what a function returns
    decorators = ["functools.cache"]       # dotted, as above
    shelves = ["cachetools.TTLCache"]      # calls for what is filled like a dict: `cache[key] = value`
    keeps = "object"                       # the object itself, a copy, or either
    key = "key"                            # the keyword of a function that makes the key, whatever the arguments are
    unless = ["serializer"]                # with these keywords something else is kept

    [[store]]                              # caches that have methods of their own
    puts = ["redis.Redis().set"]           # these keep a value
    value = 1                              # where it stands
    word = "value"                         # or under this keyword
    takes = ["redis.Redis().get"]          # these give it back
    keeps = "object"                       # as above

    [[pickle]]                             # calls that make bytes of objects, and objects of bytes
    dumps = ["pickle.dumps"]
    loads = ["pickle.loads"]

    [[session]]                            # calls that give a session, to be left by `with` or by `Depends`
    calls = ["fastapi_sqla.open_session"]
    asynchronous = false                   # an AsyncSession
    expires = true                         # its expire_on_commit
    commits = true                         # when it is left and nothing was raised

    [[queue]]                              # a task queue, whose arguments leave the process
    applications = ["celery.Celery"]       # what the program makes to have tasks
    sends = ["delay"]                      # methods of tasks and applications that send their arguments
    signs = ["s"]                          # methods of tasks that only name them

    [[stream]]                             # responses whose body is made when the caller has returned
    calls = ["flask.Response"]             # they take the iterator that makes it first,
    content = "response"                   # or under this keyword
    wrappers = ["flask.stream_with_context"]  # what gives back an iterator over the same

    [[template]]                           # calls that render a template of Jinja
    calls = ["flask.render_template"]
    name = "template_name_or_list"         # the keyword of its name, which may come first, or second
    text = "source"                        # or that of its text
    context = "context"                    # the keyword of a dict of names; without it, the keywords are the names
    gives = ["jinja2.Environment().get_template"]  # calls that give a template, by its name, for its `render`

    [[noreturn]]                           # calls that never return
    calls = ["sys.exit", "unittest.TestCase().fail"]  # dotted, as above; also a method that a subclass inherits
    raises = "SystemExit"                  # what they raise, if that is known; "nothing" where the process ends
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

import msgspec

from outlive.lifecycle.errors import UsageError

Runs = Literal["beside", "thread", "process", "afterwards", "batched"]
Keeps = Literal["object", "copy", "either"]


class Handover(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call that has a function run by somebody else.

    Attributes:
        calls: Dotted names of what is called.
        work: Position or keyword of the function.
        named: Its keyword, where it does not stand at that position.
        arguments: ``rest`` for what stands behind it, ``each`` for iterables of arguments that stand there, else a
            keyword; empty for a coroutine that has its arguments.
        position: Where the argument of that keyword stands, if it is not named.
        keywords: The keyword of a dict of keyword arguments.
        runs: ``beside`` the caller on the same event loop, in a ``thread``, in a ``process`` that gets pickled
            arguments, or ``afterwards``: when the caller is done; ``batched``: whenever somebody has asked for enough
            of it, beside what else is batched.
        executor: Position of an executor; if it is known, ``runs`` is that of its ``submit``.
    """

    calls: list[str]
    work: int | str
    runs: Runs
    named: str = ""
    arguments: str = ""
    position: int | None = None
    keywords: str = ""
    executor: int | None = None


class Cache(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A decorator that keeps what a function returns, or a cache that is filled like a dict.

    Attributes:
        decorators: Dotted names.
        shelves: Dotted names of what is called for a cache like a dict.
        keeps: The ``object`` itself, a ``copy`` that was pickled, or ``either``.
        key: Keyword of a function that makes the key; without it, all arguments are part of the key.
        unless: Keywords with which it keeps something else.
    """

    keeps: Keeps
    decorators: list[str] = []
    shelves: list[str] = []
    key: str = ""
    unless: list[str] = []


class Store(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A cache that has methods of its own.

    Attributes:
        puts: Dotted names of the methods that keep a value.
        value: Position of the value.
        word: Its keyword.
        takes: Dotted names of the methods that give it back.
        keeps: The ``object`` itself, or a ``copy`` that was pickled.
    """

    puts: list[str]
    takes: list[str]
    keeps: Keeps
    value: int = 1
    word: str = "value"


class Pickle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Calls that make bytes of objects, and objects of bytes; the first argument is what they get.

    Attributes:
        dumps: Dotted names.
        loads: Dotted names.
    """

    dumps: list[str] = []
    loads: list[str] = []


class Lender(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call that gives a session, and closes it when its block or its request is left.

    Attributes:
        calls: Dotted names.
        asynchronous: It gives an ``AsyncSession``.
        expires: ``expire_on_commit`` of its sessions; absent where that cannot be said.
        commits: It commits first, unless something was raised.
    """

    calls: list[str]
    asynchronous: bool
    expires: bool | None = None
    commits: bool = False


class Queue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A task queue, whose arguments leave the process.

    Attributes:
        applications: Dotted names of what the program makes to have tasks.
        sends: Methods of tasks and applications that send their arguments.
        signs: Methods of tasks that only name them.
    """

    applications: list[str]
    sends: list[str]
    signs: list[str] = []


class Stream(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A response whose body is made when its caller has returned.

    Attributes:
        calls: Dotted names of what makes it; the iterator is the first argument.
        content: Keyword of the iterator.
        wrappers: Calls that give back an iterator over what they are given first.
    """

    calls: list[str]
    content: str
    wrappers: list[str] = []


class Template(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call that renders a template of Jinja.

    Attributes:
        calls: Dotted names.
        name: Keyword of the template's name; it is the first text among the arguments.
        text: Keyword of its text, where that is given.
        context: Keyword of a dict of the names that it is given; empty where these are keywords themselves.
        gives: Calls that give a template, by its name.
    """

    calls: list[str] = []
    name: str = ""
    text: str = ""
    context: str = ""
    gives: list[str] = []


class NoReturn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call that never returns.

    Attributes:
        calls: Dotted names.
        raises: Dotted name of the exception's class; ``nothing`` where the process ends there, empty where it is not
            known.
    """

    calls: list[str]
    raises: str = ""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    handover: list[Handover] = []
    cache: list[Cache] = []
    store: list[Store] = []
    pickle: list[Pickle] = []
    session: list[Lender] = []
    queue: list[Queue] = []
    stream: list[Stream] = []
    template: list[Template] = []
    noreturn: list[NoReturn] = []


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What is known of libraries.

    Attributes:
        handovers: By the dotted name of the call.
        caches: By the dotted name of the decorator.
        shelves: Calls for a cache that is filled like a dict.
        puts: Caches by the dotted name of the method that keeps a value.
        takes: Methods of caches that give it back.
        dumps: Calls that make bytes of objects.
        loads: Calls that make objects of bytes.
        lenders: By the dotted name of the call that gives a session.
        sends: Methods that send their arguments to a task queue.
        signs: Methods of a task that only name its arguments.
        receivers: Classes and functions of which an instance or result is called: ``asyncio.TaskGroup``.
        streams: Keyword of the iterator by the dotted name of the response.
        wrappers: Calls that give back an iterator over the same.
        templates: By the dotted name of the call.
        gives_template: Calls that give a template by its name.
        noreturns: By the dotted name of the call that never returns.
        leavers: Classes and functions of which an instance or result has a method that never returns.
    """

    handovers: Mapping[str, Handover] = field(default_factory=dict[str, Handover])
    caches: Mapping[str, Cache] = field(default_factory=dict[str, Cache])
    shelves: frozenset[str] = frozenset()
    puts: Mapping[str, Store] = field(default_factory=dict[str, Store])
    takes: frozenset[str] = frozenset()
    dumps: frozenset[str] = frozenset()
    loads: frozenset[str] = frozenset()
    lenders: Mapping[str, Lender] = field(default_factory=dict[str, Lender])
    sends: frozenset[str] = frozenset()
    signs: frozenset[str] = frozenset()
    receivers: frozenset[str] = frozenset()
    streams: Mapping[str, str] = field(default_factory=dict[str, str])
    wrappers: frozenset[str] = frozenset()
    templates: Mapping[str, Template] = field(default_factory=dict[str, Template])
    gives_template: frozenset[str] = frozenset()
    noreturns: Mapping[str, NoReturn] = field(default_factory=dict[str, NoReturn])
    leavers: frozenset[str] = frozenset()

    def spelled(self) -> str:
        """All of it as text, the same in every process: sets have no order."""
        calls = (
            sorted(each.items())
            for each in (
                self.handovers,
                self.caches,
                self.puts,
                self.lenders,
                self.streams,
                self.templates,
                self.noreturns,
            )
        )
        names = (
            self.shelves, self.takes, self.dumps, self.loads, self.sends, self.signs, self.receivers, self.wrappers,
            self.gives_template, self.leavers,
        )  # fmt: skip
        return repr((*calls, *map(sorted, names)))


def knowledge(more: Iterable[Path] = ()) -> Knowledge:
    """What we know, and what these files say besides.

    Raises:
        UsageError: a file cannot be read, or is not as expected.
    """
    told = [*_ours()]
    for path in more:
        try:
            told.append(msgspec.toml.decode(path.read_bytes(), type=_File))
        except OSError as error:
            raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise UsageError(f"{path}: not knowledge of a library: {error}") from error
    calls = {call: entry for file in told for entry in file.handover for call in entry.calls}
    caches = {name: entry for file in told for entry in file.cache for name in entry.decorators}
    queues = [entry for file in told for entry in file.queue]
    streams = {call: entry.content for file in told for entry in file.stream for call in entry.calls}
    templates = {call: entry for file in told for entry in file.template for call in entry.calls}
    gives = frozenset(call for file in told for entry in file.template for call in entry.gives)
    puts = {call: entry for file in told for entry in file.store for call in entry.puts}
    takes = frozenset(call for entry in puts.values() for call in entry.takes)
    noreturns = {call: entry for file in told for entry in file.noreturn for call in entry.calls}
    owners = _owners((*calls, *streams, *templates, *gives, *puts, *takes))
    return Knowledge(
        calls,
        caches,
        shelves=frozenset(name for file in told for entry in file.cache for name in entry.shelves),
        puts=puts,
        takes=takes,
        dumps=frozenset(call for file in told for entry in file.pickle for call in entry.dumps),
        loads=frozenset(call for file in told for entry in file.pickle for call in entry.loads),
        lenders={call: entry for file in told for entry in file.session for call in entry.calls},
        sends=frozenset(name for queue in queues for name in queue.sends),
        signs=frozenset(name for queue in queues for name in queue.signs),
        receivers=frozenset(owners.union(*(queue.applications for queue in queues))),
        streams=streams,
        wrappers=frozenset(name for file in told for entry in file.stream for name in entry.wrappers),
        templates=templates,
        gives_template=gives,
        noreturns=noreturns,
        leavers=_owners(noreturns),
    )


def _owners(calls: Iterable[str]) -> frozenset[str]:
    """What is called for an instance, or a result, that has one of these methods."""
    return frozenset(call.partition("()")[0] for call in calls if "()" in call)


@cache
def _ours() -> tuple[_File, ...]:
    folder = files("outlive.check").joinpath("libraries")
    found = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    return tuple(msgspec.toml.decode(file.read_bytes(), type=_File) for file in found)
