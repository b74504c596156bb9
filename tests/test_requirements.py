"""The traceability itself: marks name what exists, reasons are allowed, and what is open is told."""

import re

from tests.requirements import DEFECTS, REQUIRED, faults, proofs, reasons

OPEN = {each: ["a test"] for each in REQUIRED + DEFECTS}


def test_every_mark_names_a_requirement() -> None:
    known = {*REQUIRED, *DEFECTS}
    unknown = {
        each
        for each in proofs()
        if each.partition(".")[0] not in known and not re.fullmatch(r"M\d+", each)
    }

    assert unknown == set()


def test_a_reason_is_given_only_where_one_may_be() -> None:
    found, said = proofs(), reasons()

    wrong = {fault.split()[0] for fault in faults(found, said) if "(" in fault}
    assert {each for each in wrong if not said[each][0].startswith("partly")} == set()


def test_a_requirement_with_neither_test_nor_reason_is_open() -> None:
    found = {each: tests for each, tests in OPEN.items() if each not in ("S5", "S156", "D12")}

    assert faults(found, {"S156": ("void", "Nobody has measured it.")}) == ["S5", "D12"]


def test_what_must_be_built_cannot_be_put_off() -> None:
    said = {"S5": ("later", "x"), "S29": ("later", "x"), "S1": ("void", "x"), "S2": ("ruled", "x")}

    assert len(faults(OPEN, said)) == 4
    assert faults({}, {"S29": ("partly later", "x")})[-1] == "S29 (cannot be partly later)"
