"""Run every request, task and report of the ``app`` on the path, and print what they answer as JSON."""

from __future__ import annotations

import asyncio
import json
import logging
import warnings
from collections.abc import Callable, Mapping
from typing import NamedTuple

from app import report, tasks
from app.database import worker_engine
from app.main import app
from app.models import Base
from app.warehouse import find_product
from httpx import ASGITransport, AsyncClient
from sqlalchemy import inspect

from outlive import explain

REQUESTS = [
    ("GET", "/customers/1", None),
    ("PATCH", "/customers/1", {"email": "grace@example.com"}),
    ("GET", "/products/1/price", None),
    ("POST", "/products/1/deliveries", {"quantity": 5}),
    ("POST", "/sale", {"percent": 10}),
    ("POST", "/orders", {"customer_id": 1, "product_id": 1, "quantity": 2}),
    ("POST", "/orders/1/pay", None),
    ("POST", "/orders/1/ship", None),
]


def count_stock() -> str:
    tasks.count_stock(1, 99)
    return f"stock is {find_product(1).stock}"


def import_products() -> str:
    report.import_products((f"Sample {number}", 100) for number in range(100))
    return "imported"


COMMANDS: dict[str, Callable[[], object]] = {
    "task send_parcel(1)": lambda: tasks.send_parcel(1),
    "task cancel(2)": lambda: tasks.cancel(2),
    "task count_stock(1, 99)": count_stock,
    "report sales()": lambda: ", ".join(report.sales()),
    "report anonymous_customer(1)": lambda: report.anonymous_customer(1),
    "import of 100 products": import_products,
}


class Answer(NamedTuple):
    """What a user sees, and the explanation where it is a lifetime error."""

    shown: str
    explanation: str | None = None


def main() -> None:
    logging.disable()
    # What is left behind where SQLAlchemy 2.1 raises MissingGreenlet.
    warnings.filterwarnings("ignore", "coroutine '.*' was never awaited", RuntimeWarning)
    if inspect(worker_engine).get_table_names():
        raise SystemExit("STOREFRONT_DATABASE_URL: not an empty database, and the tables are dropped at the end")
    try:
        answers = asyncio.run(request_all())
        answers |= {name: run(command) for name, command in COMMANDS.items()}
    finally:
        Base.metadata.drop_all(worker_engine)
        worker_engine.dispose()
    print(json.dumps(answers))


async def request_all() -> dict[str, Answer]:
    client = AsyncClient(transport=ASGITransport(app), base_url="http://storefront")
    async with app.router.lifespan_context(app), client:
        return {f"{method} {path}": await request(client, method, path, body) for method, path, body in REQUESTS}


async def request(client: AsyncClient, method: str, path: str, body: Mapping[str, object] | None) -> Answer:
    try:
        response = await client.request(method, path, json=body)
    except Exception as error:  # noqa: BLE001
        return failure(error, "500 ")
    return Answer(f"{response.status_code} {response.text}")


def run(command: Callable[[], object]) -> Answer:
    try:
        return Answer(str(command() or "done"))
    except Exception as error:  # noqa: BLE001
        return failure(error)


def failure(error: Exception, status: str = "") -> Answer:
    """Name the error, or the inner one where SQLAlchemy 2.1 or pydantic has wrapped it and quotes it."""
    names = ("MissingGreenlet", "DetachedInstanceError", type(error).__name__)
    name = next(name for name in names if name in f"{type(error).__name__}: {error}")
    explanation = explain(error)
    return Answer(status + name, str(explanation) if explanation else None)


if __name__ == "__main__":
    main()
