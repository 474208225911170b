"""Two objects that are asked the same question, and are likely to give the same answer."""


class _Kind:
    FULL = "full"
    BARE = "bare"


class _Job:
    def __init__(self, full):
        self.kind = _Kind.FULL if full else _Kind.BARE


class _Context:
    def __init__(self, job, author):
        self.job = job
        self.author = author


def _load(job):
    with SessionLocal() as session:
        if job.kind == _Kind.FULL:
            return session.get(Author, 1, options=[selectinload(Author.books)])
        return session.get(Author, 1)


def another_object(full):
    context = _Context(_Job(full), _load(_Job(full)))
    if context.job.kind == _Kind.FULL:
        print(context.author.books)  # quiet: they were loaded for a job of that kind


def another_object_that_is_not(full):
    context = _Context(_Job(full), _load(_Job(full)))
    if context.job.kind != _Kind.FULL:
        return
    print(context.author.books)  # quiet: the same, the other way round


def another_question(full):
    context = _Context(_Job(full), _load(_Job(full)))
    if context.job.kind == _Kind.BARE:
        print(context.author.books)  # finding: author.books is not loaded


def never_loaded(full):
    with SessionLocal() as session:
        author = session.get(Author, 1)
    job, other = _Job(full), _Job(full)
    if other.kind == _Kind.FULL:
        print(job.kind)
    if job.kind == _Kind.FULL:
        print(author.books)  # finding: author.books is not loaded


def changed_in_between():
    job = _Job(full=False)
    author = _load(job)
    job.kind = _Kind.FULL
    if job.kind == _Kind.FULL:
        print(author.books)  # finding: author.books is not loaded
