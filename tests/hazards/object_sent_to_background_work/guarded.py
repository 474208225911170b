"""A relationship that is mapped with ``lazy="raise"`` fails in the work as it would on the spot."""

import httpx
from fastapi import BackgroundTasks, FastAPI
from sqlalchemy.orm import load_only

app = FastAPI()


class Shelf(Base):
    __tablename__ = "shelf"

    id: Mapped[int] = mapped_column(primary_key=True)
    tomes: Mapped[list["Tome"]] = relationship(lazy="raise")


class Tome(Base):
    __tablename__ = "tome"

    id: Mapped[int] = mapped_column(primary_key=True)
    shelf_id: Mapped[int] = mapped_column(ForeignKey("shelf.id"))


with engine.begin() as connection:
    Base.metadata.create_all(connection)
    connection.execute(insert(Shelf), {"id": 1})


async def _show(shelf):
    print(shelf.tomes)


@app.post("/never-loaded")
async def _never_loaded(tasks: BackgroundTasks):
    with Session(engine) as session:
        shelf = session.get(Shelf, 1, options=[load_only(Shelf.id)])
        tasks.add_task(_show, shelf)  # also read-blocked-by-raiseload: Shelf.tomes is not loaded


@app.post("/loaded")
async def _loaded(tasks: BackgroundTasks):
    with Session(engine) as session:
        shelf = session.get(Shelf, 1, options=[selectinload(Shelf.tomes)])
        tasks.add_task(_show, shelf)  # quiet: the option has loaded it


@app.post("/lost")
async def _lost(tasks: BackgroundTasks):
    with Session(engine) as session:
        shelf = session.get(Shelf, 1, options=[selectinload(Shelf.tomes)])
        tasks.add_task(_show, shelf)  # finding, InvalidRequestError: shelf.tomes expired at the commit
        session.commit()


async def _post(path):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
        await client.post(path)


async def never_loaded():
    await _post("/never-loaded")


async def loaded():
    await _post("/loaded")


async def lost():
    await _post("/lost")
