"""``outlive``'s public names: short, sorted, documented, and there."""

from __future__ import annotations

import inspect

import pytest

import outlive


def test_all_is_sorted_and_has_no_double():
    assert sorted(set(outlive.__all__)) == outlive.__all__


def test_all_names_what_dir_shows():
    assert set() == set(outlive.__all__) - set(dir(outlive))


# SQLAlchemy's asyncio extension says itself what it needs.
NEEDS_GREENLET = {"async_sessionmaker"}


@pytest.fixture(params=outlive.__all__)
def name(request: pytest.FixtureRequest) -> str:
    if request.param in NEEDS_GREENLET:
        pytest.importorskip("greenlet")
    return request.param


def test_each_public_name_is_there_and_documented(name: str):
    assert inspect.getdoc(getattr(outlive, name))


def test_each_public_name_can_be_imported_from_the_package(name: str):
    namespace: dict[str, object] = {}
    exec(f"from outlive import {name}", namespace)

    assert name in namespace


def test_an_unknown_name_is_an_attribute_error_that_names_it():
    with pytest.raises(AttributeError, match="no_such_name"):
        outlive.no_such_name  # noqa: B018


POSITIONAL = {"attribute_names", "with_for_update", "shape"}
"""Options that a user writes without their names: SQLAlchemy's own, and a shape beside its object."""


def test_options_of_public_functions_are_keyword_only():
    positional = {
        name: [
            parameter.name
            for parameter in inspect.signature(getattr(outlive, name)).parameters.values()
            if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
            and parameter.default is not parameter.empty
            and parameter.name not in POSITIONAL
        ]
        for name in outlive.__all__
        if name not in NEEDS_GREENLET and inspect.isfunction(getattr(outlive, name))
    }

    assert {} == {name: parameters for name, parameters in positional.items() if parameters}
