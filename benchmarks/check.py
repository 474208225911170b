"""How fast ``outlive check`` is, and how much memory it needs, beside ``ast.parse`` of the same files.

    python benchmarks/check.py                            # four packages, their versions stated below
    python benchmarks/check.py letta==0.16.8 path/to/app  # packages and paths of your choice
    python benchmarks/check.py --beside ruff pyright      # other tools on the same files
    python benchmarks/check.py --scale                    # programs of three sizes: is the time linear in the lines?

Packages are downloaded and unpacked, never installed or imported.  (Of one without a wheel for this platform pip takes
the source distribution, and runs its build backend to learn its metadata.)

Each measurement is a process of its own, its start included, and each round takes them all in turn, so that a busy
minute falls on every row; the table has the medians of the rounds:

    ast.parse               read and parse every file, drop the tree: what no check of source can do without
    check, no cache         ``outlive check --no-cache --jobs 1``
    check, two processes    the same with ``--jobs 2``: compare the seconds of the clock
    check, filling a cache  the first run of a user
    check, unchanged        the second run
    check, one file edited  a comment is added to the file of median size
    ruff, mypy, ...         with ``--beside ruff mypy``: other tools, installed beside this Python, cold and with the
                            settings that they come with; none of them looks for what the check looks for

Compare the last column between machines and versions, not the seconds: it is CPU time as a multiple of ``ast.parse``
in the same run.  Lines are counted per second of CPU, which other programs disturb less than the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath
from statistics import median

from outlive.check.discovery import discover
from outlive.lifecycle.errors import UsageError

PACKAGES = ("apache-superset==6.1.0", "prefect==3.9.1", "nova==34.0.0", "zenml==0.98.0")
SIZES = (10_000, 100_000, 1_000_000)
"""Lines of the programs that ``--scale`` makes."""

PARSE = """
import ast, gc, pathlib, warnings
gc.disable()  # as in a check
warnings.simplefilter("ignore")
for file in pathlib.Path().rglob("*.py"):
    try:
        ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        pass
"""
FLOOR = ("-c", PARSE)
COUNT = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
try:
    subprocess.run(sys.argv[2:], timeout=float(sys.argv[1]), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
except subprocess.TimeoutExpired:
    print("null")
else:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    unit = 2**20 if sys.platform == "darwin" else 2**10
    print(json.dumps([used.ru_utime + used.ru_stime, time.perf_counter() - start, used.ru_maxrss / unit]))
"""
CHECK = ("-m", "outlive", "check", "--exit-zero", "--output-format", "json", "--jobs", "1")
COLD = (*CHECK, "--no-cache")
SHARED = (*COLD, "--jobs", "2")
NEIGHBOURS = {
    "ruff": ("ruff", "check", "--isolated", "--no-cache", "--quiet"),
    "ty": ("ty", "check", "--quiet"),
    "pyrefly": ("pyrefly", "check", "--summary=none"),
    "mypy": ("mypy", "--cache-dir", os.devnull, "--no-error-summary", "--ignore-missing-imports"),
    "pyright": ("pyright",),
    "flake8-async": ("flake8", "--isolated", "--select", "ASYNC"),
}
"""Each tool's command, before the folder."""
PATIENCE_S = 300
"""A tool that takes longer has no row."""


class TroubleError(Exception):
    """Something that the benchmark needs is not there."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What one process used; ``peak_mib`` is its largest resident set."""

    cpu_s: float
    wall_s: float
    peak_mib: float


@dataclass(frozen=True, slots=True)
class Measured:
    """One program's figures: for each row of the table, one usage per round."""

    name: str
    files: int
    lines: int
    findings: int
    rows: Mapping[str, Sequence[Usage]]

    def typical(self, row: str, figure: Callable[[Usage], float]) -> float:
        return median(map(figure, self.rows[row]))

    def cpu_s(self, row: str) -> float:
        return self.typical(row, lambda usage: usage.cpu_s)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is asked for; 2 if something is missing."""
    asked = parser().parse_args(arguments)
    targets: Sequence[str] = asked.targets or (() if asked.scale else PACKAGES)
    try:
        tools = installed(asked.beside)
        asked.work.mkdir(parents=True, exist_ok=True)
        header = {
            "outlive": version("outlive"),
            "python": platform.python_version(),
            "cores": os.cpu_count(),
            "repeats": asked.repeats,
            **tools,
        }
        print(", ".join(f"{name} {value}" for name, value in header.items()))
        measured = [measure_target(target, asked.work, asked.repeats, tools) for target in targets]
        scaled = scale(asked.work, asked.repeats) if asked.scale else []
    except (TroubleError, UsageError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if asked.json:
        figures = {**header, "programs": [asdict(one) for one in measured], "scale": [asdict(one) for one in scaled]}
        asked.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    targets = f"package with its version, or file or folder (default: {' '.join(PACKAGES)})"
    made.add_argument("targets", nargs="*", metavar="PACKAGE==VERSION | PATH", help=targets)
    made.add_argument("--scale", action="store_true", help="programs of growing size; without targets, only those")
    made.add_argument("--repeats", type=int, choices=range(1, 100), default=3, metavar="N", help="default: 3")
    made.add_argument("--beside", nargs="+", choices=NEIGHBOURS, default=(), metavar="TOOL", help=", ".join(NEIGHBOURS))
    work = Path(tempfile.gettempdir(), "outlive-benchmarks")
    made.add_argument("--work", type=Path, default=work, metavar="FOLDER", help=f"keeps downloads (default: {work})")
    made.add_argument("--json", type=Path, metavar="FILE", help="write every single figure")
    return made


# Where programs come from.


def package(requirement: str, work: Path) -> Path:
    """The folder with the Python files of a package, downloaded unless it is there."""
    folder = work / "packages" / requirement
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=work) as scratch:
            unpacked = Path(scratch, "unpacked")
            for name, content in python_files(download(requirement, Path(scratch, "download"))):
                file = unpacked / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            folder.parent.mkdir(exist_ok=True)
            unpacked.rename(folder)
    return folder


def download(requirement: str, folder: Path) -> Path:
    """The archive of a package: a wheel, else a source distribution."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
    for kind in ("--only-binary", "--no-binary"):
        done = subprocess.run([*pip, kind, ":all:", "--", requirement], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return next(folder.iterdir())
    raise TroubleError(f"{requirement} cannot be downloaded:\n{done.stderr.strip()}")


def python_files(archive: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    """The Python files in a wheel or a source distribution, those left out whose paths lead elsewhere."""
    if archive.suffix in (".whl", ".zip"):
        with zipfile.ZipFile(archive) as wheel:
            for entry in wheel.infolist():
                if is_python_inside(entry.filename):
                    yield PurePosixPath(entry.filename), wheel.read(entry)
    else:
        with tarfile.open(archive) as source:
            for member in source:
                content = source.extractfile(member) if member.isfile() and is_python_inside(member.name) else None
                if content is not None:
                    yield PurePosixPath(member.name), content.read()


def is_python_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix == ".py" and not path.is_absolute() and ".." not in path.parts


def copy(source: Path, folder: Path) -> None:
    """Copy what a check of a path reads: the figures must not depend on the ignore files and settings around it."""
    found = discover([str(source)]).files
    if not found:
        raise TroubleError(f"no Python files in {source}")
    parent = source.absolute().parent
    for file in found:
        target = folder / file.absolute().relative_to(parent)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)


# Measuring.


def measure_target(target: str, work: Path, repeats: int, tools: Iterable[str]) -> Measured:
    source = package(target, work) if "==" in target else Path(os.path.normpath(target))
    with tempfile.TemporaryDirectory(dir=work) as scratch:
        program = Path(scratch, "program")
        copy(source, program)
        measured = measure(target, program, repeats, tools)
    print(table(measured))
    return measured


def measure(name: str, program: Path, repeats: int, tools: Iterable[str]) -> Measured:
    """Measure a copy of a program, in which one file is edited and mended each time."""
    files = sorted(program.rglob("*.py"), key=lambda file: (file.stat().st_size, file))
    edited = files[len(files) // 2]
    before = edited.read_bytes()
    rows: dict[str, list[Usage]] = {}

    def note(row: str, *arguments: str, cache: str = "") -> None:
        usage, _ = run(arguments, program, cache)
        rows.setdefault(row, []).append(usage)

    # Python compiles the check, and the system reads the files, before the first round.
    _, output = run(COLD, program)
    for _ in range(repeats):
        with tempfile.TemporaryDirectory(dir=program.parent) as cache:
            note("ast.parse", *FLOOR)
            note("check, no cache", *COLD)
            note("check, two processes", *SHARED)
            note("check, filling a cache", *CHECK, cache=cache)
            note("check, unchanged", *CHECK, cache=cache)
            edited.write_bytes(before + b"\n# edited\n")
            note("check, one file edited", *CHECK, cache=cache)
            edited.write_bytes(before)
        for tool in tools:
            command, *options = NEIGHBOURS[tool]
            usage = beside([str(Path(sys.executable).with_name(command)), *options, "."], program)
            if usage is not None:
                rows.setdefault(tool, []).append(usage)
    return Measured(name, len(files), count_lines(files), len(json.loads(output)), rows)


def run(arguments: Sequence[str], folder: Path, cache: str = "") -> tuple[Usage, bytes]:
    """Run Python in a folder; what that process used, and what it printed."""
    # -P: nothing in the folder is imported.  Equal hashes: the same work in every round.
    # What is installed has been compiled to bytecode.
    environment = {**os.environ, "OUTLIVE_CACHE_DIR": cache, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": ""}
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-P", *arguments], cwd=folder, env=environment, stdout=output, stderr=errors
        )
        # Not getrusage(RUSAGE_CHILDREN): its peak is that of the largest child so far.
        _, status, used = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if process.returncode:
            raise TroubleError(f"exit code {process.returncode}:\n{errors.read().decode(errors='replace').strip()}")
        # macOS counts bytes, Linux kibibytes.
        unit = 2**20 if sys.platform == "darwin" else 2**10
        return Usage(used.ru_utime + used.ru_stime, wall_s, used.ru_maxrss / unit), output.read()


def installed(tools: Iterable[str]) -> dict[str, str]:
    """Those of the tools that are there, with their versions."""
    found: dict[str, str] = {}
    for tool in tools:
        with suppress(PackageNotFoundError):
            found[tool] = version(tool)
    return found


def beside(command: Sequence[str], folder: Path) -> Usage | None:
    """What another tool used with all of its processes; their largest one for the memory.  ``None``: too long."""
    # A process of its own waits for it, so that everything that it has started is counted.
    counted = [sys.executable, "-c", COUNT, str(PATIENCE_S), *command]
    done = subprocess.run(counted, cwd=folder, stdout=subprocess.PIPE, check=True)
    figures = json.loads(done.stdout)
    return Usage(*figures) if figures else None


def count_lines(files: Sequence[Path]) -> int:
    return sum(len(file.read_bytes().splitlines()) for file in files)


# Growing programs.

BASE = """\
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, sessionmaker


class Base(DeclarativeBase):
    pass


make_session = sessionmaker(create_engine("sqlite://"))
"""
MODULE = '''\
"""Order{n} and its lines: model, repository, service."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship, selectinload

from shop.base import Base, make_session


class Order{n}(Base):
    __tablename__ = "order_{n}"

    id: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[str] = mapped_column(default="open")
    customer: Mapped[str | None]
    lines: Mapped[list[Line{n}]] = relationship(back_populates="order")

    @property
    def total(self) -> int:
        return sum(line.price * line.quantity for line in self.lines)


class Line{n}(Base):
    __tablename__ = "line_{n}"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("order_{n}.id"))
    price: Mapped[int]
    quantity: Mapped[int] = mapped_column(default=1)
    order: Mapped[Order{n}] = relationship(back_populates="lines")


class Order{n}Repository:
    def __init__(self, session: Session) -> None:
        self.session = session

    def get(self, order_id: int) -> Order{n}:
        query = select(Order{n}).where(Order{n}.id == order_id).options(selectinload(Order{n}.lines))
        return self.session.scalars(query).one()

    def of(self, customer: str) -> Sequence[Order{n}]:
        return self.session.scalars(select(Order{n}).where(Order{n}.customer == customer)).all()

    def add(self, order: Order{n}) -> Order{n}:
        self.session.add(order)
        self.session.flush()
        return order


class Order{n}Service:
    def place(self, customer: str, prices: Sequence[int]) -> int:
        with make_session() as session:
            order = Order{n}(customer=customer)
            for price in prices:
                if price > 0:
                    order.lines.append(Line{n}(price=price))
            Order{n}Repository(session).add(order)
            session.commit()
            return order.id

    def ship(self, order_id: int) -> dict[str, object]:
        session = make_session()
        try:
            order = Order{n}Repository(session).get(order_id)
            if order.status != "open":
                raise ValueError(f"{{order.id}} is {{order.status}}")
            order.status = "shipped"
            session.commit()
            return {{"id": order.id, "total": order.total}}
        except ValueError:
            session.rollback()
            raise
        finally:
            session.close()

    def owed(self, customer: str) -> int:
        with make_session() as session:
            orders = Order{n}Repository(session).of(customer)
            return sum(order.total for order in orders if order.status == "shipped")
'''


def scale(work: Path, repeats: int) -> list[Measured]:
    """The same module again and again under other names: where time is linear, the last column stays at 1."""
    done: list[Measured] = []
    for size in SIZES:
        with tempfile.TemporaryDirectory(dir=work) as scratch:
            files = grow(Path(scratch, "shop"), size)
            rows: dict[str, list[Usage]] = {"ast.parse": [], "check, no cache": []}
            findings = 0
            for _ in range(repeats):
                rows["ast.parse"].append(run(FLOOR, Path(scratch))[0])
                usage, output = run(COLD, Path(scratch))
                rows["check, no cache"].append(usage)
                findings = len(json.loads(output))
            name = f"{size:,} lines"
            done.append(Measured(name, len(files), count_lines(files), findings, rows))
    print(scale_table(done))
    return done


def grow(folder: Path, size: int) -> list[Path]:
    """Write a program of about that many lines."""
    folder.mkdir()
    texts = {"__init__.py": "", "base.py": BASE}
    for n in range(size // len(MODULE.splitlines())):
        texts[f"order_{n}.py"] = MODULE.format(n=n)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]


# Tables.


def table(program: Measured) -> str:
    cells = [["", "CPU s", "wall s", "lines/s", "peak MiB", "x ast.parse"]]
    cells += [[row, *figures(program, row)] for row in program.rows]
    title = f"{program.name}: {program.files:,} files, {program.lines:,} lines, findings: {program.findings:,}"
    return f"\n{title}\n{aligned(cells)}"


def scale_table(programs: Sequence[Measured]) -> str:
    row = "check, no cache"
    cells = [["", "CPU s", "wall s", "lines/s", "peak MiB", "x ast.parse", "time per line"]]
    smallest = programs[0].cpu_s(row) / programs[0].lines
    cells += [[one.name, *figures(one, row), f"{one.cpu_s(row) / one.lines / smallest:.2f}"] for one in programs]
    return f"\n{row}, a program that grows; time per line against the smallest\n{aligned(cells)}"


def figures(program: Measured, row: str) -> list[str]:
    cpu_s = program.cpu_s(row)
    return [
        f"{cpu_s:.2f}",
        f"{program.typical(row, lambda usage: usage.wall_s):.2f}",
        f"{program.lines / cpu_s:,.0f}",
        f"{program.typical(row, lambda usage: usage.peak_mib):.0f}",
        f"{cpu_s / program.cpu_s('ast.parse'):.1f}",
    ]


def aligned(cells: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if n else cell.ljust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    )


if __name__ == "__main__":
    sys.exit(main())
