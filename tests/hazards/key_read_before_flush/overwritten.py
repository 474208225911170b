"""A key that is read too early for a foreign key that a relationship sets before the commit does no harm."""


class Entry(Base):
    __tablename__ = "entry"

    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("entry.id"))
    author_id: Mapped[int | None] = mapped_column(ForeignKey("author.id"))
    parent: Mapped["Entry | None"] = relationship(remote_side=[id], back_populates="children")
    children: Mapped[list["Entry"]] = relationship(back_populates="parent")
    author: Mapped[Author | None] = relationship()


with engine.begin() as _connection:
    Base.metadata.create_all(_connection)


def _children(session, entry):
    child = Entry(parent_id=entry.id)  # quiet: the caller puts it into the collection
    session.add(child)
    session.flush()
    return [child]


def _is_linked():
    with Session(engine) as session:
        return session.scalar(select(func.count(Entry.id)).where(Entry.parent_id.is_not(None))) == 1


def by_a_collection_of_the_caller():
    with Session(engine) as session:
        entry = Entry(children=[])
        session.add(entry)
        entry.children = _children(session, entry)
        session.commit()
    assert _is_linked()


def by_append():
    with Session(engine) as session:
        entry = Entry()
        session.add(entry)
        child = Entry(parent_id=entry.id)  # quiet: it is appended below
        entry.children.append(child)
        session.commit()
    assert _is_linked()


def by_append_to_a_list():
    with Session(engine) as session:
        entry = Entry(children=[])
        session.add(entry)
        child = Entry(parent_id=entry.id)  # quiet: it is appended below
        entry.children.append(child)
        session.commit()
    assert _is_linked()


def by_assignment():
    with Session(engine) as session:
        entry, child = Entry(), Entry()
        session.add_all([entry, child])
        child.parent_id = entry.id  # quiet: the relationship is assigned below
        child.parent = entry
        session.commit()
    assert _is_linked()


def by_the_constructor():
    with Session(engine) as session:
        entry = Entry()
        session.add(entry)
        session.add(Entry(parent_id=entry.id, parent=entry))  # quiet: the relationship wins
        session.commit()
    assert _is_linked()


def never():
    with Session(engine) as session:
        entry = Entry()
        session.add(entry)
        session.add(Entry(parent_id=entry.id))  # finding, silent: entry.id is None until the session flushes
        session.commit()
    assert not _is_linked()


def of_another_class():
    with Session(engine) as session:
        entry = Entry()
        session.add(entry)
        child = Entry(parent_id=entry.id)  # finding, silent: entry.id is None until the session flushes
        session.add(child)
        child.author = session.get(Author, 1)
        session.commit()
    assert not _is_linked()


def after_the_commit():
    with Session(engine, expire_on_commit=False) as session:
        entry = Entry()
        session.add(entry)
        child = Entry(parent_id=entry.id)  # finding, silent: entry.id is None until the session flushes
        session.add(child)
        session.commit()
        assert not _is_linked()
        child.parent = entry


def used_elsewhere():
    with Session(engine) as session:
        entry = Entry()
        session.add(entry)
        answer = {"id": entry.id}  # finding, silent: entry.id is None until the session flushes
        child = Entry(parent_id=entry.id)  # quiet: the relationship is assigned below
        child.parent = entry
        session.add(child)
        session.commit()
    assert answer == {"id": None}
    assert _is_linked()
