import json

from fastapi import FastAPI
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

app = FastAPI()


class _Model(SQLModel, registry=registry()):
    pass


class _HeroBase(_Model):
    name: str


class Hero(_HeroBase, table=True):
    id: int | None = Field(default=None, primary_key=True)


class HeroOut(_HeroBase):
    id: int


_Model.metadata.create_all(engine)


async def _answer(path):
    body = b""

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        nonlocal body
        body += message.get("body", b"")

    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
    await app(scope, receive, send)
    return json.loads(body)


def _add(session):
    hero = Hero(name="Kindred")
    session.add(hero)
    session.commit()
    return hero


def dumped():
    with Session(engine) as session:
        hero = _add(session)
        values = hero.model_dump()  # finding: hero has no values since the commit, and `model_dump` makes it `{}`
    assert {} == values


def dumped_as_json():
    with Session(engine) as session:
        hero = _add(session)
        values = hero.model_dump_json()  # finding: hero has no values since the commit, and `model_dump_json` makes it
    assert "{}" == values


@app.get("/same")
async def _same() -> Hero:
    with Session(engine) as session:
        return _add(session)  # finding: the Hero has no values since the commit, and the response is `{}`


async def same():
    assert {} == await _answer("/same")


@app.get("/base", response_model=_HeroBase)
async def _base():
    with Session(engine) as session:
        hero = _add(session)
    return hero  # finding: hero has no values since the commit, and the response is `{}`


async def base():
    assert {} == await _answer("/base")


@app.get("/list")
async def _list() -> list[Hero]:
    with Session(engine) as session:
        _add(session)
        heroes = session.scalars(select(Hero)).all()
        session.rollback()
        return heroes  # finding: heroes has no values since the rollback


async def listed():
    assert [{}] == await _answer("/list")


@app.get("/open", response_model=HeroOut)
async def _open_session():
    session = Session(engine)
    _open.append(session)
    return _add(session)  # quiet: another model reads the attributes, and the session loads them


_open = []


async def other_model():
    assert "Kindred" == (await _answer("/open"))["name"]
    _open[0].close()


def refreshed():
    with Session(engine) as session:
        hero = _add(session)
        session.refresh(hero)
        values = hero.model_dump()  # quiet: loaded again
    assert "Kindred" == values["name"]


class Villain(_HeroBase, table=True):
    id: int | None = Field(default=None, primary_key=True)

    def model_dump(self):
        return {"name": self.name}


_Model.metadata.create_all(engine)


def dumped_by_its_own_method():
    with Session(engine) as session:
        villain = Villain(name="Fledgling")
        session.add(villain)
        session.commit()
        values = villain.model_dump()  # quiet: it reads the attribute
    assert {"name": "Fledgling"} == values
