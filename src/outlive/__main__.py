"""``python -m outlive``: the same as the ``outlive`` command."""

from __future__ import annotations

import sys

from outlive.cli import main

if __name__ == "__main__":
    sys.exit(main())
