"""What tests ask about lifetimes: the pytest plugin behind ``--outlive`` and the fixture ``lifetimes``.

``_outlive_pytest`` imports it when a run, a test or a fixture asks.
"""

from outlive.testing.lifetimes import Lifetimes

__all__ = ["Lifetimes"]
