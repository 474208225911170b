from __future__ import annotations

import re

import pytest
from sqlalchemy import create_engine, event, inspect
from sqlalchemy.orm import InstanceState, Session, SessionEvents, make_transient_to_detached

from outlive.lifecycle.states import TRANSITIONS, State
from tests.shelf import Author, Base


@pytest.fixture
def session():
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        yield session
    engine.dispose()


@pytest.fixture
def moves(session):
    """Each move that SQLAlchemy announces: its hook, and the state that the object then has."""
    seen = []
    for hook in TRANSITIONS:
        event.listen(session, hook, lambda _, author, hook=hook: seen.append((hook, state_of(author))))
    return seen


def state_of(obj: object) -> State:
    [state] = [state for state in State if getattr(inspect(obj), state)]
    return state


def moves_into(hook: str) -> tuple[str, State]:
    return hook, TRANSITIONS[hook][1]


def test_the_hooks_are_those_of_the_installed_sqlalchemy():
    hooks = {name for name in vars(SessionEvents) if re.fullmatch(r"[a-z]+_to_[a-z]+|loaded_as_[a-z]+", name)}

    assert hooks == set(TRANSITIONS)


@pytest.mark.parametrize("hook", [hook for hook in TRANSITIONS if "_to_" in hook])
def test_a_hook_is_named_after_its_two_states(hook):
    assert tuple(hook.split("_to_")) == TRANSITIONS[hook]


def test_the_states_are_those_of_sqlalchemy():
    assert [] == [state for state in State if not isinstance(getattr(InstanceState, state, None), property)]


def test_each_state_can_be_left_or_entered():
    assert set(State) == {state for move in TRANSITIONS.values() for state in move if state}


def test_adding_and_flushing(session, moves):
    session.add(Author(name="Ursula"))
    session.flush()

    assert [moves_into("transient_to_pending"), moves_into("pending_to_persistent")] == moves


def test_expunging_what_was_not_flushed(session, moves):
    author = Author(name="Ursula")
    session.add(author)
    session.expunge(author)

    assert [moves_into("transient_to_pending"), moves_into("pending_to_transient")] == moves


def test_rolling_back_what_was_flushed(session, moves):
    session.add(author := Author(name="Ursula"))
    session.flush()
    session.rollback()

    assert moves_into("persistent_to_transient") == moves[-1]
    assert state_of(author) is State.TRANSIENT


def test_loading_and_closing(session, moves):
    session.add(Author(id=1, name="Ursula"))
    session.commit()
    session.expunge_all()
    moves.clear()

    author = session.get(Author, 1)
    session.close()

    assert [moves_into("loaded_as_persistent"), moves_into("persistent_to_detached")] == moves
    assert state_of(author) is State.DETACHED


def test_deleting_and_committing(session, moves):
    session.add(author := Author(name="Ursula"))
    session.commit()
    moves.clear()

    session.delete(author)
    session.commit()

    assert [moves_into("persistent_to_deleted"), moves_into("deleted_to_detached")] == moves


def test_rolling_back_a_deletion(session, moves):
    session.add(author := Author(name="Ursula"))
    session.commit()
    moves.clear()

    session.delete(author)
    session.flush()
    session.rollback()

    assert [moves_into("persistent_to_deleted"), moves_into("deleted_to_persistent")] == moves


def test_adding_a_detached_object(session, moves):
    author = Author(id=1, name="Ursula")
    make_transient_to_detached(author)
    session.add(author)

    assert [moves_into("detached_to_persistent")] == moves
