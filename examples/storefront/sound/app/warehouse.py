"""Queries of the worker."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.database import WorkerSession
from app.models import Order, Product


def find_product(product_id: int) -> Product:
    with WorkerSession() as session:
        return session.scalars(select(Product).where(Product.id == product_id)).one()


def find_order(session: Session, order_id: int) -> Order:
    return session.scalars(select(Order).where(Order.id == order_id)).one()


def mark_shipped(order_id: int) -> Order:
    with WorkerSession() as session:
        order = session.scalars(select(Order).where(Order.id == order_id)).one()
        order.status = "shipped"
        session.commit()
        return order
