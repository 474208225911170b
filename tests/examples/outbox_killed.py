"""Places orders, in processes of which each is killed between a commit and the message after it.

    python tests/examples/outbox_killed.py PROCESSES

Prints how many orders were placed, how many of their tasks are in the queue, and how many of these are there twice;
first with ``delay_on_commit``, then with the outbox, whose relay is killed as well.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable

import shop
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from outlive.integrations.celery import delay_on_commit

PROCESSES, ORDERS = int(sys.argv[1]), 3


def die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def in_a_process(work: Callable[[], object]) -> None:
    child = os.fork()
    if child == 0:
        shop.engine.dispose(close=False)
        work()
        os._exit(0)
    os.waitpid(child, 0)


def place_with_hook() -> None:
    with shop.SessionLocal() as session:
        order = shop.Order()
        session.add(order)
        session.flush()
        delay_on_commit(session, shop.ship, order.id)
        session.commit()


def place(place_order: Callable[[], object]) -> None:
    """Several orders; after the commit of the last one, death."""
    for _ in range(ORDERS - 1):
        place_order()
    event.listen(Session, "after_commit", die)
    place_order()


def relay() -> None:
    """Publish, and die before the commit says so."""
    event.listen(Session, "before_commit", die)
    shop.publish(4)


def count() -> dict[str, int]:
    with shop.SessionLocal() as session:
        placed = session.scalar(select(func.count()).select_from(shop.Order))
    found: Counter[int] = Counter()
    with shop.app.connection_for_read() as connection:
        queue = connection.SimpleQueue(shop.app.conf.task_default_queue)
        try:
            while True:
                message = queue.get(timeout=0.5)
                message.ack()
                found[message.decode()[0][0]] += 1
        except queue.Empty:
            queue.close()
    return {"placed": placed, "sent": len(found), "twice": sum(n > 1 for n in found.values())}


def main() -> None:
    told = {}
    shop.Base.metadata.create_all(shop.engine)
    shop.engine.dispose()
    for _ in range(PROCESSES):
        in_a_process(lambda: place(place_with_hook))
    told["delay_on_commit"] = count()
    for _ in range(PROCESSES):
        in_a_process(lambda: place(shop.place_order))
        in_a_process(relay)
    while shop.publish():
        pass
    told["outbox"] = count()
    shop.Base.metadata.drop_all(shop.engine)
    with shop.app.connection_for_write() as connection:
        connection.default_channel.queue_delete(shop.app.conf.task_default_queue)
    print(json.dumps(told))


main()
