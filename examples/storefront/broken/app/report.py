"""Lists and imports for the office: ``python -m app.report`` prints the sales."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from app.database import WorkerSession
from app.models import Customer, Order, Product


def recent_orders() -> Sequence[Order]:
    query = select(Order).order_by(Order.id.desc()).limit(20)
    with WorkerSession() as session:
        return session.scalars(query).all()


def sales() -> list[str]:
    orders = recent_orders()
    return [f"{order.customer.name}: {order.status}" for order in orders]  # mistake: OL201 lazy-read-after-close


def anonymous_customer(customer_id: int) -> str:
    query = select(Customer).where(Customer.id == customer_id)
    with WorkerSession() as session:
        customer = session.scalars(query).one()
        # Out of the session, so that the mask is never written to the database.
        session.expunge(customer)
        customer.name = "***"
        return f"{customer.name}: {len(customer.orders)} orders"  # mistake: OL202 read-after-expunge


def import_products(rows: Iterable[tuple[str, int]]) -> None:
    with WorkerSession() as session:
        for number, (name, price) in enumerate(rows, start=1):
            session.add(Product(name=name, price=price))
            if number % 100 == 0:
                session.flush()
                session.clear()  # mistake: OL705 no-such-session-method
        session.commit()


if __name__ == "__main__":
    print("\n".join(sales()))
