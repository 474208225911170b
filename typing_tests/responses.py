from typing import Annotated, assert_type

import fastapi
from fastapi import APIRouter, FastAPI, params
from sqlalchemy import create_engine, orm, select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.orm.interfaces import ORMOption

import outlive
from outlive.integrations.fastapi import SessionRoute, lifespan, response_options, session_dependency


class Base(DeclarativeBase): ...


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)


engine, async_engine = create_engine("sqlite://"), create_async_engine("sqlite+aiosqlite://")

get_session = session_dependency(outlive.sessionmaker(engine))
get_async_session = session_dependency(outlive.async_sessionmaker(async_engine))

SessionDep = Annotated[Session, get_session]
AsyncSessionDep = Annotated[AsyncSession, get_async_session]
OrderOptions = Annotated[tuple[ORMOption, ...], response_options(Order)]

app = FastAPI(lifespan=lifespan(engine, async_engine))
app.router.route_class = SessionRoute
router = APIRouter(route_class=SessionRoute, dependencies=[get_session])


@app.get("/orders")
def orders(session: SessionDep, options: OrderOptions) -> list[int]:
    assert_type(session, Session)
    assert_type(options, tuple[ORMOption, ...])
    return [order.id for order in session.scalars(select(Order).options(*options))]


@router.get("/orders/{order_id}")
async def order(order_id: int, session: AsyncSessionDep, options: OrderOptions) -> int:
    assert_type(session, AsyncSession)
    return (await session.get_one(Order, order_id, options=options)).id


def what_a_dependency_is() -> None:
    assert_type(get_session, params.Depends)
    session_dependency(lambda: Session(engine), read_only=True)
    session_dependency(orm.sessionmaker(engine, expire_on_commit=False), streaming=True)
    session_dependency(engine)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def another_in_a_test() -> None:
    assert get_session.dependency is not None
    assert get_async_session.dependency is not None
    app.dependency_overrides[get_session.dependency] = get_async_session.dependency


class CommittingRoute(SessionRoute):
    commits_error_responses = True


def the_lifespan_of_a_program(own: fastapi.FastAPI) -> None:
    lifespan(inner=lifespan(engine))(own)
    lifespan("sqlite://")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
