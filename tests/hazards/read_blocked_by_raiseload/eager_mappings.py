"""Eager loading on the mappings brings objects into the identity map by another way, which then answers."""

# since SQLAlchemy 2.0.13


class Meter(Base):
    __tablename__ = "meter"

    id: Mapped[int] = mapped_column(primary_key=True)


class Tariff(Base):
    __tablename__ = "tariff"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]

    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "flat"}


class MeteredTariff(Tariff):
    meter_id: Mapped[int | None] = mapped_column(ForeignKey("meter.id"))
    meter: Mapped[Meter] = relationship(lazy="joined")

    __mapper_args__ = {"polymorphic_identity": "metered", "polymorphic_load": "inline"}


class Fee(Base):
    __tablename__ = "fee"

    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    tariff_id: Mapped[int] = mapped_column(ForeignKey("tariff.id"))
    tariff: Mapped[Tariff] = relationship(lazy="joined")


class Count(Base):
    __tablename__ = "count"

    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    meter_id: Mapped[int] = mapped_column(ForeignKey("meter.id"))
    meter: Mapped[Meter] = relationship(lazy="raise_on_sql")
    lazy_meter: Mapped[Meter] = relationship(viewonly=True)
    forbidden_meter: Mapped[Meter] = relationship(viewonly=True, lazy="raise")


class Contract(Base):
    """Its fees bring the meters that its counts are of."""

    __tablename__ = "contract"

    id: Mapped[int] = mapped_column(primary_key=True)
    fees: Mapped[list[Fee]] = relationship(lazy="selectin")
    counts: Mapped[list[Count]] = relationship(lazy="selectin")


class Draft(Base):
    """Its counts come alone."""

    __tablename__ = "draft"

    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    counts: Mapped[list[Count]] = relationship(
        primaryjoin="foreign(Count.contract_id) == Draft.contract_id", viewonly=True, lazy="selectin"
    )


def _fill(connection):
    Base.metadata.create_all(connection)
    connection.execute(insert(Meter), [{"id": 1}])
    connection.execute(insert(MeteredTariff), [{"id": 1, "kind": "metered", "meter_id": 1}])
    connection.execute(insert(Contract), [{"id": 1}])
    connection.execute(insert(Fee), [{"id": 1, "contract_id": 1, "tariff_id": 1}])
    connection.execute(insert(Count), [{"id": 1, "contract_id": 1, "meter_id": 1}])
    connection.execute(insert(Draft), [{"id": 1, "contract_id": 1}])


async def _fill_async():
    async with async_engine.begin() as connection:
        await connection.run_sync(_fill)


with engine.begin() as connection:
    _fill(connection)
asyncio.run(_fill_async())


def on_sql():
    with Session(engine) as session:
        contract = session.scalars(select(Contract)).one()
        for count in contract.counts:
            print(count.meter)  # quiet: contract -> fees -> tariff -> meter has brought it


def on_any_read():
    with Session(engine) as session:
        contract = session.scalars(select(Contract)).one()
        for count in contract.counts:
            print(count.forbidden_meter)  # finding: count.forbidden_meter is not loaded, and lazy="raise" forbids


def on_sql_alone():
    with Session(engine) as session:
        draft = session.scalars(select(Draft)).one()
        for count in draft.counts:
            print(count.meter)  # finding: count.meter is not loaded, and lazy="raise_on_sql" forbids


async def in_async_code():
    async with AsyncSession(async_engine) as session:
        contract = (await session.scalars(select(Contract))).one()
        for count in contract.counts:
            print(count.meter, count.lazy_meter)  # quiet: contract -> fees -> tariff -> meter has brought it


async def in_async_code_alone():
    async with AsyncSession(async_engine) as session:
        draft = (await session.scalars(select(Draft))).one()
        for count in draft.counts:
            print(count.lazy_meter)  # also lazy-read-in-async: count.lazy_meter is not loaded: reading it needs `await`


async def in_async_code_on_sql_alone():
    async with AsyncSession(async_engine) as session:
        draft = (await session.scalars(select(Draft))).one()
        for count in draft.counts:
            print(count.meter)  # finding: count.meter is not loaded, and lazy="raise_on_sql" forbids


def closed():
    with Session(engine) as session:
        contract = session.scalars(select(Contract)).one()
    for count in contract.counts:
        print(count.meter)  # also lazy-read-after-close: count.meter is not loaded and its session is closed
