"""Queries of the web application."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload
from sqlalchemy.orm.interfaces import ORMOption

from app.models import Customer, Order, Product
from outlive.asyncio import fresh


class CustomerRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def get(self, customer_id: int, options: Sequence[ORMOption] = ()) -> Customer:
        query = select(Customer).where(Customer.id == customer_id).options(*options)
        return (await self.session.scalars(query)).one()


class ProductRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def get(self, product_id: int) -> Product:
        query = select(Product).where(Product.id == product_id)
        return (await self.session.scalars(query)).one()

    async def all(self) -> Sequence[Product]:
        return (await self.session.scalars(select(Product).order_by(Product.id))).all()

    async def current_price(self, product: Product) -> int:
        """The price as the database has it now, whatever this session remembers."""
        return await fresh(self.session, product, Product.price)


class OrderRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def get(self, order_id: int) -> Order:
        query = select(Order).where(Order.id == order_id).options(selectinload(Order.lines))
        return (await self.session.scalars(query)).one()
