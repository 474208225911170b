"""The libraries that integrations are for: an extra each, for the rest of this package does without them."""

from __future__ import annotations


def missing_extra(module: str, extra: str) -> ImportError:
    """The error about an integration whose library is missing, or too old for it."""
    return ImportError(f"{module} needs {extra}, which is missing or too old: pip install 'outlive[{extra}]'")
