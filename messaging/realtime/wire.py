"""A server frame as it goes out: JSON text, and the same with its WebSocket header."""

from typing import Any

import msgspec

TEXT = 0x81  # FIN, opcode text
CLOSE = 0x88

_encode = msgspec.json.Encoder().encode


class Wire:
    """One frame, encoded once and written to any number of sockets."""

    __slots__ = ("framed", "text")

    def __init__(self, frame: Any) -> None:
        self.text = _encode(frame)
        self.framed = header(TEXT, len(self.text)) + self.text


def header(opcode: int, length: int) -> bytes:
    """The header of an unmasked frame of *length* bytes (RFC 6455, 5.2)."""
    if length < 126:
        return bytes((opcode, length))
    if length < 65_536:
        return bytes((opcode, 126)) + length.to_bytes(2, "big")
    return bytes((opcode, 127)) + length.to_bytes(8, "big")


def closing(code: int) -> bytes:
    """A close frame with *code*."""
    return header(CLOSE, 2) + code.to_bytes(2, "big")
