"""What the schema needs to be told: refusals, the log-in, one prefix of two."""

import re
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.plumbing import get_lib_doc_excludes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from messaging.api import shapes
from messaging.api.errors import CONTENT_TYPE
from messaging.api.links import PREFIX
from messaging.api.preconditions import VERSIONS
from messaging.api.serializers import Shape, Strict, camel

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
    OpenApiParameter.HEADER,
    description="Repeating a request with the same key and body gives the first answer again, "
    "with `Idempotent-Replayed: true`; kept for 24 hours.",
)

IF_MATCH = OpenApiParameter(
    "If-Match",
    {"type": "string", "pattern": VERSIONS.pattern},
    OpenApiParameter.HEADER,
    required=True,
    description="The `ETag` of what was read, or `*` for whatever there is.",
)


HEADERS: dict[str, Any] = {
    "RateLimit": {
        "description": "What is left (`r`) of each quota, and the seconds until it is full (`t`).",
        "schema": {"type": "string", "examples": ['"sends";r=599;t=1']},
    },
    "RateLimit-Policy": {
        "description": "The quota (`q`) of each policy in a window of `w` seconds.",
        "schema": {"type": "string", "examples": ['"sends";q=600;w=60']},
    },
}
RETRY_AFTER = {
    "description": "The seconds to wait.",
    "schema": {"type": "integer", "minimum": 1},
}
PROBLEM = {"schema": {"$ref": "#/components/schemas/Problem"}}
UNCOUNTED = ("401",)  # refused before anybody's quota is looked at


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How one logs in, as the schema says it."""

    target_class = "messaging.api.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: object) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


def problems(*statuses: int) -> dict[Any, Any]:
    """The refusals that an operation may answer with, by status."""
    return {
        (status, CONTENT_TYPE): OpenApiResponse(shapes.Problem, MEANINGS[status])
        for status in statuses
    }


MEANINGS = {
    400: "The request cannot be read, or a field is not valid.",
    401: "No valid access token.",
    403: "The caller may see it, and may not do this.",
    404: "It is not there, or not for the caller.",
    409: "Not in a state that allows this.",
    412: "It has been changed since the caller read it.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "The idempotency key came with another body before.",
    428: "If-Match is missing.",
    429: "Too many requests.",
    503: "Cannot encrypt now; nothing was stored.",
}


def one_prefix(endpoints: list[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    """The versioned addresses only: the others are the same views again."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith(f"{PREFIX}/")]


def undescribed() -> list[type]:
    """The classes whose docstrings are about us and not about the API."""
    theirs: list[type] = get_lib_doc_excludes()  # type: ignore[no-untyped-call]
    return [*theirs, Shape, Strict]


def as_strict_as_we_are(result: dict[str, Any], **kwargs: object) -> dict[str, Any]:
    """Say of requests that unknown names and NUL are refused."""
    for name, schema in result["components"]["schemas"].items():
        if name.endswith("Request"):
            schema["additionalProperties"] = False
            for field in schema["properties"].values():
                if field.get("type") == "string" and not {"format", "pattern"} & field.keys():
                    field["pattern"] = r"^[^\u0000]*$"
    return result


def limited(result: dict[str, Any], **kwargs: object) -> dict[str, Any]:
    """Say of every call with a token that it is counted, and what its answers tell of that."""
    counted = {name: {"$ref": f"#/components/headers/{name}"} for name in HEADERS}
    result["components"]["headers"] = HEADERS | {"Retry-After": RETRY_AFTER}
    for operations in result["paths"].values():
        for operation in operations.values():
            responses = operation["responses"]
            if {"bearer": []} in operation.get("security", ()):
                responses["429"] = {
                    "description": MEANINGS[429],
                    "content": {CONTENT_TYPE: PROBLEM},
                }
                for status, response in responses.items():
                    if status not in UNCOUNTED:
                        response.setdefault("headers", {}).update(counted)
            if "429" in responses:
                later = {"$ref": "#/components/headers/Retry-After"}
                responses["429"].setdefault("headers", {})["Retry-After"] = later
    return result


def one_problem(result: dict[str, Any], **kwargs: object) -> dict[str, Any]:
    """Every refusal has the one shape, also of those who do not know it."""
    for operations in result["paths"].values():
        for operation in operations.values():
            for response in operation["responses"].values():
                if refusal := response.get("content", {}).get(CONTENT_TYPE):
                    refusal.update(PROBLEM)
    return result


def camel_case_paths(result: dict[str, Any], **kwargs: object) -> dict[str, Any]:
    """Parameters of addresses in the style of everything else."""
    for operations in result["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "path":
                    parameter["name"] = camel(parameter["name"])
    result["paths"] = {
        re.sub(r"{(\w+)}", lambda found: f"{{{camel(found[1])}}}", path): operations
        for path, operations in result["paths"].items()
    }
    return result
