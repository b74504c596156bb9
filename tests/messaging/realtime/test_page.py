"""docs/socket.md says what the code does."""

import re
from typing import get_args

import msgspec
from django.conf import settings

from messaging.realtime import frames
from messaging.realtime.closing import Close
from messaging.realtime.commands import COMMANDS
from messaging.realtime.frames import Frame, ServerFrame

PAGE = (settings.BASE_DIR / "docs" / "socket.md").read_text()
SAID, HEARD = PAGE.split("## What a client says")[1].split("## Resuming")[0].split("## What the s")
VALUES = {"open", "sealed", "LOW", "NORMAL", "HIGH", "CRITICAL", "online", "away"}  # of fields


def rows(part: str) -> dict[str, str]:
    """The second column of a table by its first."""
    return dict(re.findall(r"^\| `([a-z.]+)` \| ([^|]*)\|", part, re.M))


def test_every_frame_of_a_client_has_its_row_with_its_fields() -> None:
    kinds = {kind.__struct_config__.tag: kind for kind in get_args(Frame)}

    assert rows(SAID).keys() == kinds.keys()
    assert set(COMMANDS) == set(kinds.values())
    for tag, kind in kinds.items():
        fields = {field.encode_name for field in msgspec.structs.fields(kind)} - {"id"}
        assert fields == set(re.findall(r"`([a-zA-Z]+)`", rows(SAID)[str(tag)])) - VALUES, tag


def test_every_frame_of_the_server_has_its_row_with_its_fields() -> None:
    kinds = {kind.__struct_config__.tag: kind for kind in ServerFrame.__subclasses__()}

    assert rows(HEARD).keys() == kinds.keys() | {"event", "signal"}
    for tag, kind in kinds.items():
        described = set(re.findall(r"`([a-zA-Z]+)`", rows(HEARD)[str(tag)]))
        assert {field.encode_name for field in msgspec.structs.fields(kind)} == described | {
            "id" for field in msgspec.structs.fields(kind) if field.name == "id"
        }, tag


def test_every_close_code_has_its_row() -> None:
    described = {int(code) for code in re.findall(r"^\| (\d{4}) \|", PAGE, re.M)}

    assert described == {int(code) for code in Close} | {1012}


def test_the_walk_is_made_of_frames_that_are_valid() -> None:
    said = re.findall(r"^> (.*)$", PAGE, re.M)

    assert len(said) >= 5
    for text in said:
        complete = text.replace("018f…", "018f0000-0000-7000-8000-0000000000")
        assert isinstance(frames.parse(complete), get_args(Frame))
