"""A client that compares every answer with the published schema."""

import re
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator
from rest_framework.test import APIClient

from messaging.api.serializers import camel

ANYWHERE = {405, 406, 413, 415, 500}  # may be the answer to anything


@cache
def schema() -> dict[str, Any]:
    """The published schema."""
    found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return found


class CheckedClient(APIClient):
    """An APIClient whose answers are as the schema says."""

    def request(self, **kwargs: Any) -> Any:
        answer = super().request(**kwargs)
        match = answer.wsgi_request.resolver_match
        if match is not None:
            check(answer, match.route)
        return answer


def check(answer: Any, route: str) -> None:
    """Assert that *answer* is one that the schema promises for *route*."""
    path = "/" + re.sub(r"<\w+:(\w+)>", lambda found: f"{{{camel(found[1])}}}", route)
    operation = schema()["paths"].get(path, {}).get(answer.wsgi_request.method.lower())
    if operation is None or answer.status_code in ANYWHERE:
        return
    responses = operation["responses"]
    assert str(answer.status_code) in responses, f"{path} does not promise {answer.status_code}"
    content = responses[str(answer.status_code)].get("content")
    if content is None:
        assert not answer.content
        return
    promised = content[answer["Content-Type"]]["schema"]
    Draft202012Validator(
        promised | {"components": schema()["components"]},
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    ).validate(answer.json())
