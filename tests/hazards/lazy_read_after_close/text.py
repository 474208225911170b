"""Text around and inside the query that the fix edits: 価格, é, comments, several lines."""


def before_the_edit():
    with SessionLocal() as session:
        é = "価格 🙂"; author = session.scalars(select(Author)).one()
    print(é, author.books)  # finding: author.books is not loaded


def over_several_lines():
    with SessionLocal() as session:
        author = session.scalars(
            select(Author)  # all of them
            # only the first one, though
            .where(Author.name == "Ursula")
            .order_by(Author.id),
        ).one()
    print(author.books)  # finding: author.books is not loaded


def in_parentheses():
    with SessionLocal() as session:
        query = (
            select(Author)
            .where(
                Author.name != "Größe",  # (a comment with parentheses)
            )
        )
        author = session.scalars(query).one()
    print(author.books)  # finding: author.books is not loaded


def with_another_option():
    with SessionLocal() as session:
        author = session.scalars(select(Author).options(undefer(Author.biography))).one()
    print(author.biography)  # quiet: loaded with the query
    print(author.books)  # finding: author.books is not loaded


def by_get():
    with SessionLocal() as session:
        author = session.get(Author, 1)
    print(author.books)  # finding: author.books is not loaded


def by_get_with_keywords():
    with SessionLocal() as session:
        author = session.get(Author, ident=1, populate_existing=True)
    print(author.books)  # finding: author.books is not loaded
