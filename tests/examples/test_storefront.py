"""The example application: what fails in ``broken``, what ``sound`` answers, and what Outlive says about both."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

STOREFRONT = Path(__file__).resolve().parents[2] / "examples" / "storefront"
CODES = {
    *("OL101", "OL102", "OL103", "OL104"),
    *("OL201", "OL202"),
    "OL301",
    *("OL401", "OL501", "OL602", "OL603"),
    *("OL701", "OL703", "OL705"),
}
PLANTED = re.compile(r"  # mistake: (?P<code>OL\d{3}) (?P<name>[a-z-]+)$")

SOUND = {
    "GET /customers/1": '200 {"id":1,"name":"Ada","orders":[{"id":1,"status":"open"}]}',
    "PATCH /customers/1": '409 {"detail":"this address is taken"}',
    "GET /products/1/price": '200 {"price":450}',
    "POST /products/1/deliveries": '200 {"stock":15}',
    "POST /sale": '200 {"reduced":2}',
    "POST /orders": '201 {"id":2,"total":810}',
    "POST /orders/1/pay": '200 {"id":1,"total":900}',
    "POST /orders/1/ship": "202 null",
    "task send_parcel(1)": "done",
    "task cancel(2)": "done",
    "task count_stock(1, 99)": "stock is 99",
    "report sales()": "Ada: cancelled, Ada: shipped",
    "report anonymous_customer(1)": "***: 2 orders",
    "import of 100 products": "imported",
}
BROKEN = {
    "GET /customers/1": "500 MissingGreenlet",
    "PATCH /customers/1": "500 MissingGreenlet",
    "GET /products/1/price": "500 MissingGreenlet",
    "POST /products/1/deliveries": "500 MissingGreenlet",
    "POST /sale": "500 MissingGreenlet",
    "POST /orders": '201 {"id":null,"total":810}',
    "POST /orders/1/pay": "500 MissingGreenlet",
    "POST /orders/1/ship": "500 EncodeError",
    "task send_parcel(1)": "DetachedInstanceError",
    "task cancel(2)": "InvalidRequestError",
    "task count_stock(1, 99)": "stock is 15",
    "report sales()": "DetachedInstanceError",
    "report anonymous_customer(1)": "DetachedInstanceError",
    "import of 100 products": "AttributeError",
}
# What the explanation names, and the line of `broken` that it points at; `order.total` reads its lines in a property.
EXPLAINED = {
    "GET /customers/1": ("Customer.orders", "model_validate(customer)  # mistake: OL602"),
    "PATCH /customers/1": ("Customer.id", "customer.id, change.email)  # mistake: OL102"),
    "GET /products/1/price": ("Product.price", "return product.price  # mistake: OL103"),
    "POST /products/1/deliveries": ("Product.stock", "product.stock}  # mistake: OL301"),
    "POST /sale": ("Product.price", "(100 - sale.percent) // 100  # mistake: OL301"),
    "POST /orders/1/ship": ("Order (1,)", "send_parcel.delay(order)  # mistake: OL501"),
    "POST /orders/1/pay": ("Order.lines", "for line in self.lines)"),
    "task send_parcel(1)": ("Order.id", "order.id)  # mistake: OL101"),
    "task cancel(2)": ("session.refresh()", "session.refresh(order)  # mistake: OL701"),
    "report sales()": ("Order.customer", "for order in orders]  # mistake: OL201"),
    "report anonymous_customer(1)": ("Customer.orders", 'len(customer.orders)} orders"  # mistake: OL202'),
    "import of 100 products": ("clear", "session.clear()  # mistake: OL705"),
}


class Line(NamedTuple):
    """A line of a version, with the mistake that is planted or found there."""

    filename: str
    row: int
    code: str
    name: str


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an empty database."""
    for framework in ("aiosqlite", "celery", "fastapi", "httpx"):
        pytest.importorskip(framework)
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('storefront')}/storefront.db"
    else:
        with postgresql_schema() as url:
            yield url


@contextmanager
def postgresql_schema() -> Iterator[str]:
    """The address of a schema of its own, dropped at the end; skips without a server."""
    psycopg = pytest.importorskip("psycopg")
    server = os.environ.get("OUTLIVE_TEST_POSTGRES", "postgresql://root@127.0.0.1:5432/test")
    try:
        connection = psycopg.connect(server, autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as error:
        if os.environ.get("OUTLIVE_REQUIRE_SERVICES") == "1":
            raise
        pytest.skip(f"no PostgreSQL at {server}: {error}")
    schema = f"storefront_{uuid4().hex}"
    with connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        try:
            yield f"{server}?options=-csearch_path%3D{schema}"
        finally:
            connection.execute(f"DROP SCHEMA {schema} CASCADE")


@pytest.fixture(scope="module")
def broken(database: str) -> dict[str, list[str | None]]:
    return play("broken", database)


@pytest.fixture(scope="module")
def sound(database: str) -> dict[str, list[str | None]]:
    return play("sound", database)


def play(version: str, database: str) -> dict[str, list[str | None]]:
    """What one version answers, request by request: what a user sees, and the explanation if there is one."""
    path = os.pathsep.join(filter(None, [str(STOREFRONT / version), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path, "STOREFRONT_DATABASE_URL": database}
    answers = run("-W", "error", str(STOREFRONT / "play.py"), environment=environment)

    assert (0, "") == (answers.returncode, answers.stderr)
    return json.loads(answers.stdout)


def run(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def check(version: str) -> tuple[int, list[dict[str, Any]]]:
    """Exit code and findings of ``outlive check``."""
    done = run("-m", "outlive", "check", str(STOREFRONT / version), "--output-format", "json", "--no-cache")

    assert "" == done.stderr
    return done.returncode, json.loads(done.stdout)


def sources(version: str) -> dict[str, list[str]]:
    folder = STOREFRONT / version
    files = sorted(folder.rglob("*.py"))
    return {file.relative_to(folder).as_posix(): file.read_text("utf-8").splitlines() for file in files}


def within_storefront(filename: str) -> str:
    return Path(filename).resolve().relative_to(STOREFRONT).as_posix()


def planted() -> list[Line]:
    return [
        Line(f"broken/{filename}", row, found["code"], found["name"])
        for filename, lines in sources("broken").items()
        for row, line in enumerate(lines, start=1)
        if (found := PLANTED.search(line))
    ]


def place_of(text: str) -> str:
    """``app/main.py:43`` for the one line of ``broken`` that contains a text."""
    [place] = [
        f"{filename}:{row}"
        for filename, lines in sources("broken").items()
        for row, line in enumerate(lines, start=1)
        if text in line
    ]
    return place


def test_every_request_of_the_sound_version_succeeds(sound):
    assert SOUND == {name: shown for name, (shown, _) in sound.items()}


def test_the_sound_version_has_nothing_to_explain(sound):
    assert [] == [explanation for _, explanation in sound.values() if explanation is not None]


def test_every_request_of_the_broken_version_fails_or_gives_a_wrong_value(broken):
    assert BROKEN == {name: shown for name, (shown, _) in broken.items()}


def test_each_lifetime_error_is_explained_and_no_other(broken):
    assert set(EXPLAINED) == {name for name, (_, explanation) in broken.items() if explanation}


@pytest.mark.parametrize("name", EXPLAINED)
def test_an_explanation_names_the_attribute_and_the_line_that_failed(broken, name):
    subject, line = EXPLAINED[name]
    what, *story = broken[name][1].splitlines()

    assert f"`{subject}`" in what
    assert [step for step in story if f"{place_of(line)}: " in step], broken[name][1]


def test_every_hazard_of_the_slice_is_planted():
    assert CODES == {line.code for line in planted()}


def test_the_check_reports_each_planted_mistake_at_its_line_and_nothing_else():
    code, findings = check("broken")
    found = [
        Line(within_storefront(each["filename"]), each["location"]["row"], each["code"], each["name"])
        for each in findings
    ]

    assert sorted(planted()) == sorted(found)
    assert 1 == code


def test_every_finding_shows_how_it_came_about():
    _, findings = check("broken")

    assert findings
    assert [] == [finding for finding in findings if not finding["evidence"]]


def test_the_check_is_silent_about_the_sound_version():
    assert (0, []) == check("sound")


def test_both_versions_have_the_same_files_and_only_one_has_mistakes():
    assert list(sources("broken")) == list(sources("sound"))
    assert [] == [line for lines in sources("sound").values() for line in lines if "mistake" in line]


def test_the_demo_shows_both_versions_side_by_side(tmp_path):
    for framework in ("aiosqlite", "celery", "fastapi", "httpx"):
        pytest.importorskip(framework)
    environment = {name: value for name, value in os.environ.items() if name != "STOREFRONT_DATABASE_URL"}
    demo = run(
        "-W", "error", str(STOREFRONT / "demo.py"), "--explain", environment={**environment, "TMPDIR": str(tmp_path)}
    )

    rows = [re.split(r" {2,}", row) for row in demo.stdout.split("\n\n")[0].splitlines()]
    assert (0, "") == (demo.returncode, demo.stderr)
    assert [["", "broken", "sound"], *([name, BROKEN[name], SOUND[name]] for name in SOUND)] == rows
    assert len(EXPLAINED) == demo.stdout.count("\nMore: outlive explain ")
    assert [] == list(tmp_path.iterdir())
