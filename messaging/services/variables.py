"""A text with a place for each person's own words: `Dear {name}, …`.

Only a batch that comes with variables has places; in any other a brace is a brace. With them, `{{` and
`}}` stand for braces.
"""

import json
import re
from collections.abc import Mapping, Sequence
from uuid import UUID

from messaging.errors import Invalid
from messaging.services.sending import LONGEST_CONTENT

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,31}", re.ASCII)
PLACE = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]{0,31})\}", re.ASCII)
MOST_BYTES = 512  # of one person's variables as JSON: a chunk of a hundred is sealed as one text

Words = Mapping[str, str]


def places(template: str) -> set[str]:
    """The names for which *template* has a place."""
    return {found[1] for found in PLACE.finditer(template) if found[1]}


def filled(template: str, words: Words) -> str:
    """*template* with *words* in their places."""

    def put(found: re.Match[str]) -> str:
        return words[found[1]] if found[1] else found[0][0]

    return PLACE.sub(put, template)


def check(template: str, recipients: Sequence[UUID], variables: Mapping[UUID, Words]) -> None:
    """Raise Invalid, pointing at it, for whatever does not fit the *template*."""
    wanted = places(template)
    for person in variables.keys() - set(recipients):
        raise Invalid("Not a recipient of this batch.", pointer=f"/variables/{person}")
    for person in recipients:
        words = variables.get(person, {})
        pointer = f"/variables/{person}"
        for name in sorted(words.keys() - wanted):
            raise Invalid("The content has no such place.", pointer=f"{pointer}/{escaped(name)}")
        for name in sorted(wanted - words.keys()):
            raise Invalid(f"{name} is missing.", pointer=pointer)
        if len(packed(words).encode()) > MOST_BYTES:
            raise Invalid(f"At most {MOST_BYTES} bytes as JSON.", pointer=pointer)
        if not 1 <= len(filled(template, words)) <= LONGEST_CONTENT:
            raise Invalid(
                f"The content would not have 1 to {LONGEST_CONTENT} characters.", pointer=pointer
            )


def packed(words: object) -> str:
    """*words* as compact JSON."""
    return json.dumps(words, ensure_ascii=False, separators=(",", ":"))


def escaped(name: str) -> str:
    """*name* as a part of a JSON pointer."""
    return name[:64].replace("~", "~0").replace("/", "~1")
