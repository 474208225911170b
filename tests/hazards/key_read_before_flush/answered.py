"""What comes out of ``a or b`` where ``a`` is a comparison that holds."""

import os


def _is_free(session, total):
    return total <= 0 or session.get(Author, 1) is None or session.scalar(select(Author.id)) is None


def _is_small(total):
    return total <= 10 or total % 100 == 0


def asked_for_on_the_way():
    with SessionLocal() as session:
        author = Author(name="Octavia")
        session.add(author)
        if _is_free(session, len(os.sep) * 20):
            return
        response = {"id": author.id}  # quiet: whoever comes here has asked the session, which flushes first
        assert response == {"id": 2}


def asked_nothing():
    with SessionLocal() as session:
        author = Author(name="Octavia")
        session.add(author)
        if _is_small(len(os.sep)):
            response = {"id": author.id}  # finding: author.id is None until the session flushes
            assert response == {"id": None}
