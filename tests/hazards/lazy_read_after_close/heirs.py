"""Columns of a class below the one that was asked for: rows of it come without them."""

from sqlalchemy.orm import selectin_polymorphic, with_polymorphic


class Ticket(Base):
    __tablename__ = "ticket"
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "ticket"}

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    holder: Mapped[str]

    @property
    def remark(self):
        return f"for {self.holder}"


class SeasonTicket(Ticket):
    __tablename__ = "season_ticket"
    __mapper_args__ = {"polymorphic_identity": "season"}

    id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), primary_key=True)
    season: Mapped[str]
    seat: Mapped[str]


class DayTicket(Ticket):
    __mapper_args__ = {"polymorphic_identity": "day"}

    day: Mapped[str | None]


class TerraceTicket(Ticket):
    __mapper_args__ = {"polymorphic_identity": "concrete"}

    step: Mapped[str | None]


class GroupTicket(Ticket):
    __tablename__ = "group_ticket"
    __mapper_args__ = {"polymorphic_identity": "group", "polymorphic_load": "inline"}

    id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), primary_key=True)
    size: Mapped[int]


Base.metadata.create_all(engine)
with SessionLocal.begin() as _session:
    _session.add(SeasonTicket(holder="Genly", season="winter", seat="7"))
    _session.add_all([DayTicket(holder="Estraven", day="Thern"), GroupTicket(holder="Faxe", size=9)])
    _session.add(TerraceTicket(holder="Ashe", step="3"))


def _first(session, kind):
    return session.scalars(select(Ticket).where(Ticket.kind == kind)).first()


def own_table():
    with SessionLocal() as session:
        ticket = _first(session, "season")
    print(ticket.holder)  # quiet: a column of the class that was asked for
    print(ticket.season)  # finding: ticket.season is not loaded and its session is closed


def same_table():
    with SessionLocal() as session:
        ticket = _first(session, "day")
    print(ticket.day)  # finding: ticket.day is not loaded and its session is closed


def called_like_an_option():
    with SessionLocal() as session:
        ticket = _first(session, "concrete")
    print(ticket.step)  # finding: ticket.step is not loaded and its session is closed


def told_apart():
    with SessionLocal() as session:
        tickets = session.scalars(select(Ticket)).all()
    for ticket in tickets:
        if isinstance(ticket, SeasonTicket):
            print(ticket.season)  # finding: ticket.season is not loaded


def by_key():
    with SessionLocal() as session:
        ticket = session.get(Ticket, 1)
    print(ticket.season)  # finding: ticket.season is not loaded


async def in_async_code():
    async with AsyncSession(async_engine) as session:
        await session.run_sync(lambda sync_session: Base.metadata.create_all(sync_session.connection()))
        session.add(SeasonTicket(holder="Genly", season="winter", seat="7"))
        await session.flush()
        session.expunge_all()
        ticket = (await session.scalars(select(Ticket))).one()
        print(ticket.season)  # also lazy-read-in-async: ticket.season is not loaded: reading it needs `await`


def loaded_by_the_mapping():
    with SessionLocal() as session:
        ticket = _first(session, "group")
    print(ticket.size)  # quiet: polymorphic_load


def loaded_by_an_option():
    with SessionLocal() as session:
        query = select(Ticket).options(selectin_polymorphic(Ticket, [SeasonTicket])).where(Ticket.kind == "season")
        ticket = session.scalars(query).one()
    print(ticket.season)  # quiet: loaded with the query


def loaded_by_the_query():
    with SessionLocal() as session:
        every = with_polymorphic(Ticket, "*")
        ticket = session.scalars(select(every).where(every.kind == "season")).one()
    print(ticket.season)  # quiet: loaded with the query


def asked_for_by_its_class():
    with SessionLocal() as session:
        ticket = session.scalars(select(SeasonTicket)).one()
    print(ticket.season)  # quiet: its own column


def asked_for_by_its_class_before():
    with SessionLocal() as session:
        season = session.scalars(select(SeasonTicket)).one()
        ticket = _first(session, "season")
    print(ticket.season, season.seat)  # quiet: it may be the same row


def one_read_loads_all():
    with SessionLocal() as session:
        ticket = _first(session, "season")
        print(ticket.season)  # quiet: the session loads it
    print(ticket.seat)  # quiet: loaded with the other one


def refreshed():
    with SessionLocal() as session:
        ticket = _first(session, "season")
        session.refresh(ticket)
    print(ticket.season)  # quiet: loaded by the refresh


def expired_and_read():
    with SessionLocal() as session:
        ticket = _first(session, "season")
        session.commit()
        print(ticket.holder)  # quiet: loads the row
    print(ticket.season)  # quiet: with all of it


def expired():
    with SessionLocal() as session:
        ticket = _first(session, "season")
        session.commit()
    print(ticket.season)  # also read-after-commit-and-close: ticket.season expired at the commit


def property_of_the_class():
    with SessionLocal() as session:
        ticket = _first(session, "season")
    print(ticket.remark)  # quiet: it reads what is loaded
