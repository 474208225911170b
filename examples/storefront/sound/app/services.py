"""What happens to an order."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Order, OrderLine
from app.repository import OrderRepository, ProductRepository
from app.schemas import NewOrder
from app.tasks import send_parcel


async def place_order(session: AsyncSession, new: NewOrder) -> Order:
    product = await ProductRepository(session).get(new.product_id)
    line = OrderLine(product_id=product.id, quantity=new.quantity, price=product.price)
    order = Order(customer_id=new.customer_id, lines=[line])
    session.add(order)
    return order


async def pay(session: AsyncSession, order_id: int) -> Order:
    order = await OrderRepository(session).get(order_id)
    order.status = "paid"
    return order


async def ship(session: AsyncSession, order_id: int) -> None:
    order = await OrderRepository(session).get(order_id)
    order.status = "packed"
    await session.commit()
    send_parcel.delay(order.id)
