"""What happens to an order."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Order, OrderLine
from app.repository import OrderRepository, ProductRepository
from app.schemas import NewOrder, Receipt
from app.tasks import send_parcel


async def place_order(session: AsyncSession, new: NewOrder) -> Receipt:
    product = await ProductRepository(session).get(new.product_id)
    line = OrderLine(product_id=product.id, quantity=new.quantity, price=product.price)
    order = Order(customer_id=new.customer_id, lines=[line])
    session.add(order)
    receipt = Receipt(id=order.id, total=order.total)  # mistake: OL603 key-read-before-flush
    await session.commit()
    return receipt


async def pay(session: AsyncSession, order_id: int) -> Receipt:
    order = await OrderRepository(session).get(order_id)
    order.status = "paid"
    await session.commit()
    return Receipt(id=order_id, total=order.total)  # mistake: OL104 eager-load-lost-at-commit


async def ship(session: AsyncSession, order_id: int) -> None:
    order = await OrderRepository(session).get(order_id)
    order.status = "packed"
    await session.commit()
    send_parcel.delay(order)  # mistake: OL501 object-sent-to-queue
