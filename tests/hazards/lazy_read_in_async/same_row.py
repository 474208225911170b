"""Which object in hand may be the row behind a many-to-one: the same role, an element of a collection, the parent."""

from sqlalchemy import and_, inspect

AsyncKeeping = async_sessionmaker(async_engine, expire_on_commit=False)


class Member(Base):
    __tablename__ = "member"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Club(Base):
    __tablename__ = "club"

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    owner: Mapped[Member] = relationship(lazy="joined")
    meetings: Mapped[list["Meeting"]] = relationship(back_populates="club")
    guests: Mapped[list["Guest"]] = relationship(back_populates="club")


class Guest(Base):
    __tablename__ = "guest"

    id: Mapped[int] = mapped_column(primary_key=True)
    club_id: Mapped[int] = mapped_column(ForeignKey("club.id"))
    club: Mapped[Club] = relationship(back_populates="guests")
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    member: Mapped[Member] = relationship()


class Meeting(Base):
    __tablename__ = "meeting"

    id: Mapped[int] = mapped_column(primary_key=True)
    club_id: Mapped[int] = mapped_column(ForeignKey("club.id"))
    club: Mapped[Club] = relationship(back_populates="meetings")
    chair_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    chair: Mapped[Member] = relationship(foreign_keys=[chair_id])
    owner_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    owner: Mapped[Member] = relationship(foreign_keys=[owner_id])
    talks: Mapped[list["Talk"]] = relationship(back_populates="meeting")
    opening: Mapped["Talk | None"] = relationship(
        primaryjoin=lambda: and_(Talk.meeting_id == Meeting.id, Talk.position == 1), uselist=False, viewonly=True
    )


class Talk(Base):
    __tablename__ = "talk"

    id: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int]
    meeting_id: Mapped[int] = mapped_column(ForeignKey("meeting.id"))
    meeting: Mapped[Meeting] = relationship(back_populates="talks")


async def _fill():
    async with async_engine.begin() as connection:
        if await connection.run_sync(lambda sync: inspect(sync).has_table("meeting")):
            return
        await connection.run_sync(Base.metadata.create_all)
    async with AsyncKeeping.begin() as session:
        session.add_all([Member(id=1, name="Shevek"), Member(id=2, name="Takver"), Member(id=3, name="Bedap")])
        session.add(Club(id=1, owner_id=1))
        session.add(Meeting(id=1, club_id=1, chair_id=2, owner_id=1))
        session.add(Talk(id=1, position=1, meeting_id=1))
        session.add_all([Guest(id=1, club_id=1, member_id=1), Guest(id=2, club_id=1, member_id=2)])


async def owner_of_the_club_is_nobodys_chair():
    await _fill()
    async with AsyncKeeping() as session:
        club = await session.get(Club, 1, options=[selectinload(Club.meetings)])
        for meeting in club.meetings:
            print(meeting.chair.name)  # finding: meeting.chair is not loaded: reading it needs `await`


async def owner_of_the_club_owns_its_meetings():
    await _fill()
    async with AsyncKeeping() as session:
        club = await session.get(Club, 1, options=[selectinload(Club.meetings)])
        for meeting in club.meetings:
            print(meeting.owner.name)  # quiet: one owner for both, as the name says


async def back_to_the_parent():
    await _fill()
    async with AsyncKeeping() as session:
        club = await session.get(Club, 1, options=[selectinload(Club.meetings).selectinload(Meeting.talks)])
        for meeting in club.meetings:
            print(meeting.club.id)  # quiet: it was found behind that club
            for talk in meeting.talks:
                print(talk.meeting.id)  # quiet: it was found behind that meeting


async def back_to_the_parent_of_the_parent():
    await _fill()
    async with AsyncKeeping() as session:
        guest = await session.get(Guest, 1, options=[joinedload(Guest.club).selectinload(Club.meetings)])
        for meeting in guest.club.meetings:
            print(meeting.club.id)  # quiet: it was found behind that club


async def one_of_many_may_be_it():
    await _fill()
    async with AsyncKeeping() as session:
        loaded = [selectinload(Club.guests).joinedload(Guest.member)]
        club = await session.get(Club, 1, options=loaded)
        meeting = await session.get(Meeting, 1)
        print(meeting.chair.name, club.id)  # quiet: one of the guests


async def one_of_a_list_may_be_it():
    await _fill()
    async with AsyncKeeping() as session:
        members = (await session.scalars(select(Member))).all()
        meeting = await session.get(Meeting, 1)
        print(meeting.chair.name, len(members))  # quiet: one of all members


async def more_than_a_key():
    await _fill()
    async with AsyncKeeping() as session:
        talks = (await session.scalars(select(Talk))).all()
        meeting = await session.get(Meeting, 1)
        print(len(talks), meeting.opening.position)  # finding: meeting.opening is not loaded: reading it needs `await`


async def held_with_what_it_has_loaded():
    await _fill()
    async with AsyncKeeping() as session:
        club = await session.get(Club, 1, options=[selectinload(Club.guests)])
        guest = await session.get(Guest, 1, options=[joinedload(Guest.club)])
        print(len(guest.club.guests), club.id)  # quiet: the club at hand, guests and all
