"""A first assortment, two customers and an order."""

from __future__ import annotations

from sqlalchemy import select

from app.database import WorkerSession, worker_engine
from app.models import Base, Customer, Order, OrderLine, Product


def open_shop() -> None:
    """Create the tables, and fill them if they are empty."""
    Base.metadata.create_all(worker_engine)
    with WorkerSession() as session:
        if session.scalars(select(Customer)).first() is not None:
            return
        ada = Customer(name="Ada", email="ada@example.com")
        tea = Product(name="Tea", price=450, stock=10)
        session.add_all([ada, tea])
        session.add_all([Customer(name="Grace", email="grace@example.com"), Product(name="Cup", price=900, stock=4)])
        session.flush()
        line = OrderLine(product_id=tea.id, quantity=2, price=tea.price)
        session.add(Order(customer=ada, lines=[line]))
        session.commit()
