"""f-strings as Python 3.12 reads them, for the one before: ``f"{row["name"]}"`` is ``f"{row['name']}"``."""

from __future__ import annotations

import re

_WORD = re.compile(r"(?P<prefix>(?i:[bu]|fr?|rf?|br|rb)?)(?P<quote>\"\"\"|'''|\"|')|\w+")
_OTHER = {'"': "'", "'": '"'}


def with_other_quotes(text: str) -> str:
    """The text with other quotes in the fields of f-strings, where they have those around them; as long as before."""
    scan = _Scan(text)
    scan.code(0, frozenset(), is_field=False)
    return "".join(scan.made)


class _Scan:
    """Goes through a text once; ``taken`` are the quotes that must not stand where it is."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.made = list(text)

    def code(self, at: int, taken: frozenset[str], *, is_field: bool) -> int:
        """Go over code, to the end of the text or of a field."""
        depth = 0
        while at < len(self.text):
            char = self.text[at]
            if is_field and depth == 0 and char in "}:":
                return at
            word = _WORD.match(self.text, at)
            if word is not None:
                at = word.end() if word["quote"] is None else self.string(word, taken, is_field)
            elif char == "#":
                at = self.text.find("\n", at) % (len(self.text) + 1)
            else:
                depth += (char in "([{") - (char in ")]}")
                at += 1
        return at

    def string(self, begins: re.Match[str], taken: frozenset[str], is_inside: bool) -> int:
        """Go over a string."""
        quote, start, has_fields = begins["quote"], begins.end(), "f" in begins["prefix"].lower()
        chosen = _OTHER[quote[0]] * len(quote) if quote[0] in taken else quote
        inner = taken | {chosen} if len(quote) == 1 else taken
        end = start
        while end < len(self.text) and not self.text.startswith(quote, end):
            if has_fields and self.text[end] == "{":
                end = end + 2 if self.text.startswith("{{", end) else self.field(end + 1, quote, inner)
            else:
                end += 1 + (self.text[end] == "\\")
        behind = end + len(quote)
        is_hard = chosen[0] in taken or not {*taken, chosen[0], "\\"}.isdisjoint(self.text[start:end])
        if is_inside and not has_fields and is_hard:
            first = begins.start()
            self.made[first:behind] = "0".ljust(behind - first)  # What it says matters less than what is around it.
        elif chosen != quote:
            self.made[start - len(quote) : start] = self.made[end:behind] = chosen
        return behind

    def field(self, at: int, quote: str, taken: frozenset[str]) -> int:
        """Go over a field of an f-string, and over those in its format."""
        at = self.code(at, taken, is_field=True)
        while at < len(self.text) and self.text[at] != "}" and not self.text.startswith(quote, at):
            at = self.field(at + 1, quote, taken) if self.text[at] == "{" else at + 1
        return at + self.text.startswith("}", at)
