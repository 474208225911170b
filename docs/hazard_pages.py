"""The hazards' own texts and examples, as Markdown pages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from textwrap import dedent

from outlive.hazards.catalog import Hazard

INDEX = """\
# Hazards

One way each in which an object fails outside its session; the first ones are about the input itself.
`outlive explain NAME` prints the same text.

| Code | Name | What happens | Fails how |
|---|---|---|---|
{rows}

```{{toctree}}
:hidden:

{names}
```
"""

PAGE = """\
# {hazard.name}

*{hazard.code}* · {harm}

{text}
"""

EXAMPLES = """
## An example that fails

```python
{bad}
```

## The same, done right

```python
{good}
```

The names are those of the [bookshop](../reference/bookshop.md).
"""


def pages(hazards: Iterable[Hazard]) -> dict[str, str]:
    """The text of every page by file name, with an index."""
    by_name = {hazard.name: hazard for hazard in hazards}
    rows = "\n".join(
        f"| {hazard.code} | [{name}]({name}.md) | {hazard.summary} | {harm(hazard)} |"
        for name, hazard in by_name.items()
    )
    index = INDEX.format(rows=rows, names="\n".join(by_name))
    return {"index.md": index} | {f"{name}.md": page(hazard) for name, hazard in by_name.items()}


def page(hazard: Hazard) -> str:
    """One hazard: its text, its bad and its good example."""
    text = PAGE.format(hazard=hazard, harm=harm(hazard), text=markdown(hazard.text))
    return text + (EXAMPLES.format(bad=hazard.bad.strip(), good=hazard.good.strip()) if hazard.bad else "")


def harm(hazard: Hazard) -> str:
    """What Python or SQLAlchemy says when it happens."""
    if hazard.raises is None:
        return "silent" if hazard.bad else "not checked"
    # SQLAlchemy's codes have four characters and a page each; everything else is an exception's name.
    if re.fullmatch(r"[a-z0-9]{4}", hazard.raises):
        return f"SQLAlchemy's [{hazard.raises}](https://sqlalche.me/e/21/{hazard.raises})"
    return f"`{hazard.raises}`"


def markdown(text: str) -> str:
    """A hazard's docstring, whose sections are a line and an indented block below it, with Markdown headings.

    Blocks stay as they are apart from their indentation: ``code`` and lists read the same in Markdown.
    """
    sections = re.split(r"\n(?=\S)", text)
    return "\n\n".join(rendered(*section.partition("\n")[::2]) for section in sections)


def rendered(heading: str, block: str) -> str:
    """A heading with its block, or a line by itself."""
    body = dedent(block).strip()
    return f"## {heading}\n\n{body}" if body else heading
