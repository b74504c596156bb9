"""The shapes that are required: a JSON Schema each, written by hand from the requirements.

Nothing here is made from our code: it has to follow what these files say, not the other way round.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

HERE = Path(__file__).parent
PARTS = "parts.json"


def documents() -> dict[str, dict[str, Any]]:
    """Every schema, by the name of its file."""
    return {path.name: json.loads(path.read_text()) for path in sorted(HERE.glob("*.json"))}


@cache
def validator(name: str) -> Draft202012Validator:
    """What checks answers against the shape *name*, formats included."""
    found = documents()
    known = [(each, Resource.from_contents(schema)) for each, schema in found.items()]
    return Draft202012Validator(
        found[f"{name}.json"],
        registry=Registry().with_resources(known),
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )


def fit(name: str, answer: Any) -> None:
    """Assert that *answer* has the shape *name*."""
    validator(name).validate(answer)
