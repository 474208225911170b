"""The web application: ``uvicorn app.main:app``."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from sqlalchemy.exc import IntegrityError, NoResultFound
from sqlalchemy.orm.interfaces import ORMOption

from app import services
from app.database import SessionDep, engine
from app.models import Customer, Order
from app.repository import CustomerRepository, ProductRepository
from app.schemas import CustomerOut, Delivery, EmailChange, Id, NewOrder, Receipt, Sale
from app.seed import open_shop
from outlive.integrations.asgi import BoundaryMiddleware, ExplainMiddleware
from outlive.integrations.fastapi import SessionRoute, lifespan, response_options

logger = logging.getLogger(__name__)


@asynccontextmanager
async def opening(_: FastAPI) -> AsyncIterator[None]:
    open_shop()
    yield


app = FastAPI(title="Storefront", lifespan=lifespan(engine, inner=opening))
app.router.route_class = SessionRoute
app.add_middleware(BoundaryMiddleware)
app.add_middleware(ExplainMiddleware)


@app.exception_handler(NoResultFound)
async def not_found(_request: Request, _error: Exception) -> JSONResponse:
    return JSONResponse({"detail": "not found"}, status_code=404)


@app.get("/customers/{customer_id}", response_model=CustomerOut)
async def show_customer(
    customer_id: Id, session: SessionDep, options: Annotated[tuple[ORMOption, ...], response_options(Customer)]
) -> Customer:
    return await CustomerRepository(session).get(customer_id, options)


@app.patch("/customers/{customer_id}", status_code=204)
async def change_email(customer_id: Id, change: EmailChange, session: SessionDep) -> None:
    customer = await CustomerRepository(session).get(customer_id)
    customer.email = change.email
    try:
        await session.flush()
    except IntegrityError:
        logger.warning("customer %s cannot have %s", customer_id, change.email)
        raise HTTPException(409, "this address is taken") from None


@app.get("/products/{product_id}/price")
async def show_price(product_id: Id, session: SessionDep) -> dict[str, int]:
    products = ProductRepository(session)
    product = await products.get(product_id)
    return {"price": await products.current_price(product)}


@app.post("/products/{product_id}/deliveries")
async def receive(product_id: Id, delivery: Delivery, session: SessionDep) -> dict[str, int]:
    products = ProductRepository(session)
    product = await products.get(product_id)
    product.stock += delivery.quantity
    return {"stock": product.stock}


@app.post("/sale")
async def start_sale(sale: Sale, session: SessionDep) -> dict[str, int]:
    products = await ProductRepository(session).all()
    for product in products:
        product.price = product.price * (100 - sale.percent) // 100
    return {"reduced": len(products)}


@app.post("/orders", status_code=201, response_model=Receipt)
async def place_order(new: NewOrder, session: SessionDep) -> Order:
    return await services.place_order(session, new)


@app.post("/orders/{order_id}/pay", response_model=Receipt)
async def pay(order_id: Id, session: SessionDep) -> Order:
    return await services.pay(session, order_id)


@app.post("/orders/{order_id}/ship", status_code=202)
async def ship(order_id: Id, session: SessionDep) -> None:
    await services.ship(session, order_id)
