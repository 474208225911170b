"""Templates in files: what the check says of them, held against Flask and Starlette, which render them."""

from __future__ import annotations

from pathlib import Path

import pytest

from outlive.check.engine import check
from outlive.check.findings import Finding
from outlive.hazards.catalog import all_hazards
from tests.hazards.programs import BOOKSHOP, Outcome, run

pytest.importorskip("aiosqlite", reason="the bookshop has an async engine")
pytest.importorskip("flask")

FLASK = """
from flask import Flask, render_template

app = Flask("shop", root_path={root!r})

with SessionLocal() as session:
    author = session.get(Author, 1)
with app.app_context():
    print(render_template("author.html", author=author, cheap=False))
"""

STARLETTE = """
from fastapi import FastAPI, Request
from fastapi.templating import Jinja2Templates

templates = Jinja2Templates(directory={root!r} + "/templates")
request = Request({{"type": "http", "headers": []}})

with SessionLocal() as session:
    author = session.get(Author, 1)
print(templates.TemplateResponse(request, "author.html", {{"author": author, "cheap": False}}).body)
"""

OF_ITS_OWN = """
from fastapi import Request
from fastapi.templating import Jinja2Templates

class Pages(Jinja2Templates):
    pass

templates = Pages(directory={root!r} + "/templates")
request = Request({{"type": "http", "headers": []}})

with SessionLocal() as session:
    author = session.get(Author, 1)
print(templates.TemplateResponse(request, name="author.html", context={{"author": author}}).body)
"""

JINJA = """
from jinja2 import Environment, FileSystemLoader

environment = Environment(loader=FileSystemLoader({root!r} + "/templates"))

with SessionLocal() as session:
    author = session.get(Author, 1)
template = environment.get_template("author.html")
print(template.render({{"cheap": False}}, author=author))
"""

BASE = "<title>{% block title %}{{ author.books }}{% endblock %}</title>{% block content %}{% endblock %}"

FAILING = {
    "a relationship": {"author.html": "{{ author.books }}"},
    "a block of its own": {
        "author.html": "{% extends 'base.html' %}{% block title %}{% endblock %}"
        "{% block content %}\n{{ author.books }}{% endblock %}",
        "base.html": BASE,
    },
    "a block of the base": {"author.html": "{% extends 'base.html' %}", "base.html": BASE},
    "the block that it overrides": {
        "author.html": "{% extends 'base.html' %}{% block title %}{{ super() }}{% endblock %}",
        "base.html": BASE,
    },
    "an include": {"author.html": "{% include 'parts/books.html' %}", "parts/books.html": "{{ author.books|length }}"},
    "an include in a loop": {
        "author.html": "{% for one in [author] %}{% include 'parts/books.html' %}{% endfor %}",
        "parts/books.html": "{{ one.books|length }}",
    },
    "a macro of another file": {
        "author.html": "{% import 'macros.html' as m %}{{ m.show(author) }}",
        "macros.html": "{% macro show(a) %}{{ inner(a) }}{% endmacro %}{% macro inner(a) %}{{ a.books }}{% endmacro %}",
    },
    "a macro by its name": {
        "author.html": "{% from 'macros.html' import show as list %}{{ list(a=author) }}",
        "macros.html": "{% macro show(a) %}{{ a.books }}{% endmacro %}",
    },
    "a block in a loop that is scoped": {
        "author.html": "{% for a in [author] %}{% block title scoped %}{{ a.books }}{% endblock %}{% endfor %}",
    },
    "behind a block in a macro of another file": {
        "author.html": "{% import 'macros.html' as m %}{{ m.show() }}{{ author.books }}",
        "macros.html": "{% macro show() %}{% block title %}{% endblock %}{% endmacro %}",
    },
    "a default of a macro": {
        "author.html": "{% macro show(a, n=1, whole=True) %}{% if whole %}{{ a.books }}{% endif %}{% endmacro %}"
        "{{ show(author, 2) }}"
    },
    "behind what fails on no path": {"author.html": "{{ author.name }}{{ 'x' if author.books else 'y' }}"},
}

RUNNING = {
    "columns": {"author.html": "{{ author.name }}"},
    "a block that is overridden": {
        "author.html": "{% extends 'base.html' %}{% block title %}{{ author.name }}{% endblock %}",
        "base.html": BASE,
    },
    "what stands beside the blocks": {
        "author.html": "{% extends 'base.html' %}{{ author.books }}{% block title %}{% endblock %}",
        "base.html": BASE,
    },
    "a block in a loop": {
        "author.html": "{% for author in [1] %}{% block title %}{{ author.name }}{% endblock %}{% endfor %}",
    },
    "a block that does not know the name of the loop": {
        "author.html": "{% for a in [author] %}{% block b %}{{ a is defined and a.books }}{% endblock %}{% endfor %}",
    },
    "a default of a macro that is false": {
        "author.html": "{% macro show(a, whole=False) %}{% if whole %}{{ a.books }}{% endif %}{% endmacro %}"
        "{{ show(author) }}"
    },
    "a macro that nobody calls": {"author.html": "{% macro show(a) %}{{ a.books }}{% endmacro %}"},
    "an include without the names": {
        "author.html": "{% include 'parts/books.html' without context %}",
        "parts/books.html": "{{ author is defined and author.books }}",
    },
    "a condition that does not hold": {"author.html": "{% if cheap %}{{ author.books }}{% endif %}"},
    "a file that is missing": {"author.html": "{% include 'parts/books.html' ignore missing %}"},
    "comments and raw text": {"author.html": "{# {{ author.books }} #}{% raw %}{{ author.books }}{% endraw %}"},
}


def write(folder: Path, templates: dict[str, str]) -> None:
    for name, text in templates.items():
        file = folder / "templates" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def found(folder: Path, program: str, **options: Path) -> list[Finding]:
    file = folder / "shop.py"
    file.write_text(BOOKSHOP + program.format(root=str(folder)))
    return [f for f in check([file], all_hazards(), **options).findings if f.code == "OL602"]


def rendered(folder: Path, program: str) -> Outcome:
    return run(program.format(root=str(folder)))


@pytest.mark.parametrize("templates", FAILING.values(), ids=FAILING.keys())
def test_what_flask_cannot_render_is_found(templates: dict[str, str], tmp_path: Path) -> None:
    write(tmp_path, templates)

    assert "bhk3" == rendered(tmp_path, FLASK).error
    assert ["Author.books is not loaded and its session is closed; the template reads it"] == [
        finding.message for finding in found(tmp_path, FLASK)
    ]


@pytest.mark.parametrize("templates", RUNNING.values(), ids=RUNNING.keys())
def test_what_flask_renders_is_not_found(templates: dict[str, str], tmp_path: Path) -> None:
    write(tmp_path, templates)

    assert rendered(tmp_path, FLASK).error is None
    assert [] == found(tmp_path, FLASK)


each_program = pytest.mark.parametrize("program", [STARLETTE, OF_ITS_OWN, JINJA], ids=["starlette", "own", "jinja"])


@each_program
def test_what_others_cannot_render_is_found(program: str, tmp_path: Path) -> None:
    pytest.importorskip("fastapi")
    write(tmp_path, FAILING["an include"])

    assert "bhk3" == rendered(tmp_path, program).error
    assert 1 == len(found(tmp_path, program))


@each_program
def test_what_others_render_is_not_found(program: str, tmp_path: Path) -> None:
    pytest.importorskip("fastapi")
    write(tmp_path, RUNNING["columns"])

    assert rendered(tmp_path, program).error is None
    assert [] == found(tmp_path, program)


def test_the_place_in_the_template_is_evidence(tmp_path: Path) -> None:
    write(tmp_path, FAILING["a block of its own"])
    (finding,) = found(tmp_path, FLASK)
    place = finding.evidence[-1].place

    assert (str(tmp_path / "templates/author.html"), 2, 11, 16) == (
        place.filename,
        place.line,
        place.column,
        place.end_column,
    )


def test_an_edited_template_is_seen(tmp_path: Path) -> None:
    write(tmp_path, RUNNING["columns"])
    before = found(tmp_path, FLASK, cache=tmp_path / "cache")
    write(tmp_path, FAILING["a relationship"])
    after = found(tmp_path, FLASK, cache=tmp_path / "cache")
    write(tmp_path, RUNNING["columns"])
    again = found(tmp_path, FLASK, cache=tmp_path / "cache")

    assert [0, 1, 0] == [len(before), len(after), len(again)]


def test_what_was_noted_of_a_template_is_remembered(tmp_path: Path) -> None:
    write(tmp_path, FAILING["a relationship"])
    program = FLASK.replace("with SessionLocal", "def show():\n  with SessionLocal").replace("\n    ", "\n      ")
    program = program.replace("\nwith app", "\n  with app") + "\nshow()\n"
    shop, other = tmp_path / "shop.py", tmp_path / "other.py"
    shop.write_text(BOOKSHOP + program.format(root=str(tmp_path)))
    other.write_text("def nothing():\n    return 1\n")
    before = check([shop, other], all_hazards(), cache=tmp_path / "cache").findings
    other.write_text("def nothing():\n    return 2\n")
    after = check([shop, other], all_hazards(), cache=tmp_path / "cache").findings

    assert "bhk3" == run(program.format(root=str(tmp_path))).error
    assert before == after
    assert ["OL602"] == [finding.code for finding in after]


def test_the_nearest_template_is_meant(tmp_path: Path) -> None:
    write(tmp_path, FAILING["a relationship"])
    write(tmp_path / "inner", RUNNING["columns"])

    assert [] == found(tmp_path / "inner", FLASK)


def test_a_template_above_is_found(tmp_path: Path) -> None:
    write(tmp_path, FAILING["a relationship"])
    (tmp_path / "views").mkdir()
    (tmp_path / "models.py").write_text("")
    file = tmp_path / "views" / "shop.py"
    file.write_text(BOOKSHOP + FLASK.format(root=str(tmp_path)))

    findings = check([tmp_path / "models.py", file], all_hazards()).findings

    assert ["OL602"] == [finding.code for finding in findings]
