"""Text -> facts: ``ast`` is read once, lowered and dropped."""

from __future__ import annotations

import ast
import warnings

from outlive.check.facts import Facts
from outlive.check.lower.statements import Statements
from outlive.check.source import suppressions


def read_facts(text: str) -> Facts:
    """The facts of one file; a text that does not parse gives facts with nothing but ``error``."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # SyntaxWarning of the user's code is not ours to print.
            tree = ast.parse(text)
        facts = Facts(suppressed=suppressions(text))
        Statements(facts).module(tree)
    except SyntaxError as error:
        message = error.msg or "invalid syntax"
        return Facts(error=(error.lineno or 1, error.offset or 1, message), suppressed=suppressions(text))
    except ValueError as error:
        return Facts(error=(1, 1, str(error)))
    except (RecursionError, MemoryError):
        return Facts(error=(1, 1, "the code is nested too deeply to be read"))
    return facts
