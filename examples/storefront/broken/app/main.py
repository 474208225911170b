"""The web application: ``uvicorn app.main:app``."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from sqlalchemy.exc import IntegrityError, NoResultFound
from sqlalchemy.ext.asyncio import AsyncSession

from app import services
from app.database import engine, get_session
from app.repository import CustomerRepository, ProductRepository
from app.schemas import CustomerOut, Delivery, EmailChange, NewOrder, Receipt, Sale
from app.seed import open_shop

logger = logging.getLogger(__name__)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    open_shop()
    yield
    await engine.dispose()


app = FastAPI(title="Storefront", lifespan=lifespan)
SessionDep = Annotated[AsyncSession, Depends(get_session)]


@app.exception_handler(NoResultFound)
async def not_found(_request: Request, _error: Exception) -> JSONResponse:
    return JSONResponse({"detail": "not found"}, status_code=404)


@app.get("/customers/{customer_id}")
async def show_customer(customer_id: int, session: SessionDep) -> CustomerOut:
    customer = await CustomerRepository(session).get(customer_id)
    return CustomerOut.model_validate(customer)  # mistake: OL602 response-reads-unloaded


@app.patch("/customers/{customer_id}", status_code=204)
async def change_email(customer_id: int, change: EmailChange, session: SessionDep) -> None:
    customer = await CustomerRepository(session).get(customer_id)
    customer.email = change.email
    try:
        await session.commit()
    except IntegrityError:
        await session.rollback()
        logger.warning("customer %s cannot have %s", customer.id, change.email)  # mistake: OL102 read-after-rollback
        raise HTTPException(409, "this address is taken") from None


@app.get("/products/{product_id}/price")
async def show_price(product_id: int, session: SessionDep) -> dict[str, int]:
    products = ProductRepository(session)
    product = await products.get(product_id)
    return {"price": await products.current_price(product)}


@app.post("/products/{product_id}/deliveries")
async def receive(product_id: int, delivery: Delivery, session: SessionDep) -> dict[str, int]:
    products = ProductRepository(session)
    product = await products.get(product_id)
    product.stock += delivery.quantity
    await products.save()
    return {"stock": product.stock}  # mistake: OL301 expired-read-in-async


@app.post("/sale")
async def start_sale(sale: Sale, session: SessionDep) -> dict[str, int]:
    products = await ProductRepository(session).all()
    for product in products:
        product.price = product.price * (100 - sale.percent) // 100  # mistake: OL301 expired-read-in-async
        await session.commit()
    return {"reduced": len(products)}


@app.post("/orders", status_code=201)
async def place_order(new: NewOrder, session: SessionDep) -> Receipt:
    return await services.place_order(session, new)


@app.post("/orders/{order_id}/pay")
async def pay(order_id: int, session: SessionDep) -> Receipt:
    return await services.pay(session, order_id)


@app.post("/orders/{order_id}/ship", status_code=202)
async def ship(order_id: int, session: SessionDep) -> None:
    await services.ship(session, order_id)
