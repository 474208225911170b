"""What CI runs, one session each; ``nox`` alone runs all of them, ``nox -s lint types`` some."""

from __future__ import annotations

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "venv"
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = False

PROJECT = nox.project.load_toml("pyproject.toml")["project"]
OLDEST, MIDDLE, NEWEST = "3.11", "3.12", "3.13"

# The analyser depends on Python (its grammar and `ast`) and hardly on SQLAlchemy; everything else depends on SQLAlchemy
# and hardly on Python.  So each of both is there, and `lowest` has the oldest SQLAlchemy; not every pair.
MATRIX = [
    (OLDEST, "2.1"),
    (MIDDLE, "2.0"),
    (NEWEST, "2.1"),
]
# The oldest that we support, and one of each way to tear dependencies down; every other session has the newest.
FASTAPI = ["0.105.0", "0.115.*", "0.118.*", "0.121.*", "0.137.1"]


def ignoring(*names: str) -> list[str]:
    return [f"--ignore=tests/{name}" for name in names]


ONCE = ("examples/test_outbox.py", "integrations/test_queue_faults.py", "test_benchmarks.py", "truth")
"""What takes minutes, and what CI runs in `lowest` or in a session of its own, too."""
LEFT_OUT = {
    # What depends on Python and not on SQLAlchemy.
    MIDDLE: ignoring("check", "cli", "examples", "hazards/test_edge_cases_are_found.py", "plugin", "report", *ONCE),
    # MariaDB's drivers are those of the oldest Python.
    NEWEST: ["-k", "not pymysql and not asyncmy", *ignoring("integrations/web/test_faults.py", *ONCE)],
}


def install(session: nox.Session, *groups: str, pins: tuple[str, ...] = ()) -> None:
    """Install the built package with dependency groups; not editable, so that what is missing in the wheel shows."""
    session.install("--upgrade", "pip>=25.1")
    options = [word for group in groups for word in ("--group", group)]
    session.install(".", *pins, *options)


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff's rules and format, the contract between the rooms, the change notes."""
    install(session, "lint", "changes")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports", "--no-cache")
    session.run("towncrier", "build", "--draft", "--version", "next", silent=True)


@nox.session
def types(session: nox.Session) -> None:
    """Mypy and pyright, both strict, on the package and on what users write."""
    install(session, "types", "test")
    session.run("mypy")
    session.run("pyright", "--pythonpath", f"{session.bin}/python")


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation; a warning is an error."""
    install(session, "docs")
    session.run("sphinx-build", "-W", "--keep-going", "-q", "-b", "dirhtml", "docs", session.create_tmp())


@nox.session
@nox.parametrize(("python", "sqlalchemy"), MATRIX)
def tests(session: nox.Session, sqlalchemy: str) -> None:
    """The tests with one Python and the newest of one SQLAlchemy."""
    install(session, "test", pins=(f"SQLAlchemy=={sqlalchemy}.*",))
    session.run("pytest", "-n", "2", *LEFT_OUT.get(str(session.python), []), *session.posargs)


@nox.session(python=OLDEST)
def lowest(session: nox.Session) -> None:
    """All tests with the lowest versions that pyproject.toml declares; `fastapi` has those of FastAPI."""
    # aiosqlite 0.22 no longer ends with the process under the SQLAlchemy versions before it: a program would hang.
    queues = [dependency for name in ("celery", "dramatiq") for dependency in PROJECT["optional-dependencies"][name]]
    pins = [dependency.replace(">=", "==") for dependency in (*PROJECT["dependencies"], *queues)]
    install(session, "test", pins=(*pins, "aiosqlite<0.22"))
    session.run("pytest", "-n", "2", *session.posargs)


@nox.session(python=OLDEST)
def fastapi(session: nox.Session) -> None:
    """The web boundary with older FastAPIs."""
    for version in FASTAPI:
        install(session, "web", "pytest", pins=(f"fastapi=={version}",))
        session.run("pytest", "-n", "2", "tests/integrations/web", *session.posargs)


@nox.session
def openapi(session: nox.Session) -> None:
    """The example under requests that Schemathesis thinks of."""
    install(session, "example", "pytest", "openapi")
    session.run("pytest", "tests/examples/test_openapi.py", *session.posargs)


@nox.session
@nox.parametrize("sqlalchemy", ["2.0", "2.1"])
def truth(session: nox.Session, sqlalchemy: str) -> None:
    """Many more generated programs than a run of the tests has time for."""
    install(session, "test", pins=(f"SQLAlchemy=={sqlalchemy}.*",))
    many = ("--programs", "500", "--show", "1", *session.posargs)
    session.run("python", "-m", "tests.truth", *many)
    session.run("python", "-m", "tests.truth", "--watch", *many)


@nox.session
def bare(session: nox.Session) -> None:
    """The package as users get it: no framework, no driver, no greenlet."""
    install(session, "pytest")
    session.run("outlive", "check", "examples/storefront/broken", "--exit-zero", silent=True)
    # The rest of the tests runs programs on async engines, or asks frameworks.
    rooms = [f"tests/{name}" for name in ("check", "cli", "report")]
    modules = [f"tests/test_{name}.py" for name in ("old_sqlalchemy", "public_api", "repository")]
    session.run("pytest", "-n", "2", *rooms, *modules, *session.posargs, env={"OUTLIVE_REQUIRE_SERVICES": None})


@nox.session(python=OLDEST)
def old_sqlalchemy(session: nox.Session) -> None:
    """SQLAlchemy 1.4: a clear message from what needs 2.0, and ``outlive check`` works."""
    install(session, "pytest")
    session.install("SQLAlchemy<2")
    session.run("pytest", "--noconftest", "tests/test_old_sqlalchemy.py", *session.posargs)
