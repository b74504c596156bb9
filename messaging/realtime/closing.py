"""The codes a socket is closed with, and what a client does about each."""

from enum import IntEnum


class Close(IntEnum):
    TOO_LARGE = 1009  # return: a frame was longer than its limit
    FAULT = 1011  # return: our fault
    MALFORMED = 4400  # do not return: this client does not speak the protocol
    UNAUTHENTICATED = 4401  # hello first, or the token has expired: refresh and return
    FORBIDDEN = 4403  # do not return
    SUBPROTOCOL = 4406  # do not return: another protocol was asked for
    HELLO_TIMEOUT = 4408  # return
    REVOKED = 4409  # do not return: the session was ended elsewhere
    DISABLED = 4410  # do not return: the account was disabled
    FLOOD = 4429  # return, more quietly
    SLOW = 4508  # return and resume: you read too slowly
