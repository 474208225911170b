"""Templates of Jinja, which read what they show."""

from types import SimpleNamespace

from flask import Flask, render_template_string

app = Flask("shop")


def _render(text, author):
    return render_template_string(text, author=author)


def relationship():
    with app.app_context(), SessionLocal() as session:
        author = session.get(Author, 1)
    with app.app_context():
        render_template_string("{% for book in author.books %}{{ book.title }}{% endfor %}", author=author)  # finding: Author.books is


def in_a_helper():
    with SessionLocal() as session:
        author = session.get(Author, 1)
    with app.app_context():
        _render("{{ author.name }} {{ author.books|length }}", author)  # finding: Author.books is not loaded and its session is


def behind_a_loop():
    with SessionLocal() as session:
        books = session.scalars(select(Book)).all()
    with app.app_context():
        render_template_string("{% for book in books %}{{ book.author.name }}{% endfor %}", books=books)  # finding: Book.author is not


def by_a_key():
    with SessionLocal() as session:
        author = session.get(Author, 1)
    with app.app_context():
        render_template_string("{{ author['books'] }}", author=author)  # finding: Author.books is not loaded


def expired():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        session.commit()
    with app.app_context():
        render_template_string("Dear {{ author.name }}", author=author)  # finding: Author.name expired at the commit and


def in_a_condition():
    with SessionLocal() as session:
        author = session.get(Author, 1)
    with app.app_context():
        render_template_string("{% if author.books %}has written{% endif %}", author=author)  # finding: Author.books is not


def behind_a_condition():
    with SessionLocal() as session:
        author = session.get(Author, 1)
    with app.app_context():
        render_template_string("{% if author and not author.books %}{% endif %}", author=author)  # finding: Author.books


def under_another_name():
    with SessionLocal() as session:
        author = session.get(Author, 1)
    with app.app_context():
        render_template_string("{% set a = author %}{% with b = a %}{{ b.books }}{% endwith %}", author=author)  # finding: is not loaded


def in_a_macro():
    with SessionLocal() as session:
        author = session.get(Author, 1)
    with app.app_context():
        render_template_string(  # finding: Author.books is not loaded and its session is closed
            "{% macro show(a, n) %}{{ a.books[n] }}{% endmacro %}{{ show(author, n=0) }}", author=author
        )


def in_a_dict():
    with SessionLocal() as session:
        author = session.get(Author, 1)
    with app.app_context():
        render_template_string("{{ shop.author.books }}", shop={"author": author})  # finding: Author.books is not loaded


async def expired_in_async():
    async with AsyncSessionLocal() as session:
        author = await session.get(Author, 1)
        await session.commit()
        with app.app_context():
            render_template_string("{{ author.name }}", author=author)  # finding: Author.name expired at the commit: reading it


async def not_loaded_in_async():
    async with AsyncSessionLocal() as session:
        author = await session.get(Author, 1)
        with app.app_context():
            render_template_string("{{ author.books|list }}", author=author)  # finding: Author.books is not loaded: reading it needs


def while_it_is_open():
    with app.app_context(), SessionLocal() as session:
        author = session.get(Author, 1)
        render_template_string("{% for book in author.books %}{{ book.author }}{% endfor %}", author=author)  # quiet: loads
        books = author.books
    print([book.title for book in books])  # quiet: the template has loaded them


def loaded():
    with SessionLocal() as session:
        author = session.get(Author, 1, options=[selectinload(Author.books)])
    with app.app_context():
        render_template_string("{% for book in author.books %}{{ book.title }}{% endfor %}", author=author)  # quiet: loaded


def columns_only():
    with SessionLocal() as session:
        author = session.get(Author, 1)
    with app.app_context():
        render_template_string("{{ author.name }} {{ author.nothing }} {{ nobody }}", author=author)  # quiet: loaded columns


def a_condition_that_does_not_hold():
    with SessionLocal() as session:
        author = session.get(Author, 1)
    with app.app_context():
        text = "{% if whole %}{{ author.books }}{% else %}{{ author.name }}{% endif %}"
        render_template_string(text, author=author, whole=False)  # quiet: not reached


def a_condition_of_somebody_else(whole):
    with SessionLocal() as session:
        options = [selectinload(Author.books)] if whole else []
        author = session.get(Author, 1, options=options)
    with app.app_context():
        text = "{% if whole %}{{ author.books }}{% endif %}"
        render_template_string(text, author=author, whole=whole)  # quiet: what hangs on it is not known


def a_condition_that_jinja_does_not_know():
    with SessionLocal() as session:
        author = session.get(Author, 1)
    with app.app_context():
        render_template_string("{% if current_user %}{{ author.books }}{% endif %}", author=author)  # quiet: not reached


def without_an_object():
    with SessionLocal() as session:
        author = session.get(Author, 1)
    with app.app_context():
        render_template_string("{% if author is none %}{% elif author is defined %}{{ author.name }}{% endif %}", author=author)  # quiet: a column


def something_else_of_that_name():
    with SessionLocal() as session:
        author = session.get(Author, 1)
    with app.app_context():
        render_template_string("{{ author.books }}", author=SimpleNamespace(books=[author.id]))  # quiet: no author


def a_macro_that_is_not_called():
    with SessionLocal() as session:
        author = session.get(Author, 1)
    with app.app_context():
        text = "{% macro show() %}{{ author.books }}{% endmacro %}{% set author = 1 %}{{ author }}"
        render_template_string(text, author=author)  # quiet: not reached


def a_variable_of_the_loop():
    with SessionLocal() as session:
        author = session.get(Author, 1)
    with app.app_context():
        render_template_string("{% for author in [1, 2] %}{{ author.books }}{% endfor %}", author=author)  # quiet: a number


def names_that_are_unpacked():
    with SessionLocal() as session:
        author = session.get(Author, 1)
    with app.app_context():
        names = {"author": author}
        render_template_string("{{ author.books }}", **names)  # missed: unpacked


def a_text_that_is_not_known():
    with SessionLocal() as session:
        author = session.get(Author, 1)
    with app.app_context():
        text = "{{ author.books }}".strip()
        render_template_string(text, author=author)  # missed: computed


def with_an_error_in_it():
    with SessionLocal() as session:
        author = session.get(Author, 1)
    with app.app_context():
        try:
            render_template_string("{% if author.books %}", author=author)  # quiet: it is not rendered
        except Exception as error:
            assert type(error).__name__ == "TemplateSyntaxError"
