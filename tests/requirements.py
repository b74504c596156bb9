"""`make requirements`: every requirement with the tests that prove it, or the reason why none does.

A test proves what its `@pytest.mark.req("S17")` names; `S141.2` is a part of S141. Instead of a test,
docs/compatibility.md may say that a requirement is void, ruled otherwise or left for later. What has
been left only in part needs a test for the rest. Exits with 1 while something is open.
"""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "compatibility.md"
LINE = re.compile(r"^\| (S\d+) \| (void|ruled|later|partly later) \| (.{20,}?) \|$", re.MULTILINE)
PARTLY = {"S29", "S58", "S68", "S70", "S76", "S133"}
LATER = {"S100", "S105", "S111", "S131", "S164"} | PARTLY
VOID = {"S156", "S157", "S158"}
REQUIRED = [f"S{number}" for number in range(1, 167)]
DEFECTS = [f"D{number}" for number in range(1, 16)]
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def marks(node: ast.AST) -> list[str]:
    """The ids that the `req` marks inside *node* name."""
    return [
        str(argument.value)
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.req"
        for argument in call.args
        if isinstance(argument, ast.Constant)
    ]


def is_skipped(node: Definition) -> bool:
    """Whether *node* is never run: what is skipped proves nothing."""
    return any(ast.unparse(each).startswith("pytest.mark.skip(") for each in node.decorator_list)


def tests_of(body: list[ast.stmt], inherited: list[str]) -> Iterator[tuple[str, str]]:
    """(id, test) for each mark of the tests in *body*, their module's and class's included."""
    for node in body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
            inherited = inherited + marks(node)
    for node in body:
        if not isinstance(node, Definition) or is_skipped(node):
            continue
        own = inherited + [found for each in node.decorator_list for found in marks(each)]
        if isinstance(node, ast.ClassDef):
            yield from tests_of(node.body, own)
        elif node.name.startswith("test_"):
            yield from ((each, node.name) for each in dict.fromkeys(own))


def proofs() -> dict[str, list[str]]:
    """The tests by the requirement that they prove, parts under their whole too."""
    found = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("*.py")):
        for each, name in tests_of(ast.parse(path.read_text()).body, []):
            test = f"{path.relative_to(ROOT)}::{name}"
            found[each].append(test)
            if "." in each:
                found[each.partition(".")[0]].append(test)
    return dict(found)


def reasons() -> dict[str, tuple[str, str]]:
    """(void, ruled, later or partly later; the reason) by requirement."""
    return {each: (kind, reason) for each, kind, reason in LINE.findall(PAGE.read_text())}


def faults(found: Mapping[str, list[str]], said: Mapping[str, tuple[str, str]]) -> list[str]:
    """What is open, and what the page says without being allowed to."""
    wrong = [each for each in REQUIRED + DEFECTS if each not in found and each not in said]
    for each, (kind, reason) in said.items():
        allowed = {
            "void": each in VOID,
            "ruled": re.search(r"\bC\d+\b", reason) is not None,
            "later": each in LATER - PARTLY,
            "partly later": each in PARTLY and each in found,
        }
        if not allowed[kind]:
            wrong.append(f"{each} (cannot be {kind})")
    return wrong


def main() -> int:
    """Print the table; 0 when nothing is open."""
    found, said = proofs(), reasons()
    for each in REQUIRED + DEFECTS:
        lines = [f"{kind}: {reason}" for kind, reason in [said[each]]] if each in said else []
        for line in [*lines, *found.get(each, [])] or ["OPEN"]:
            print(f"{each:<5} {line}")
    wrong = faults(found, said)
    done = sum(each in found or each in said for each in REQUIRED)
    print(
        f"\n{done} of {len(REQUIRED)} requirements are proven or ruled.", *wrong[:1] and ["Open:"]
    )
    print(*(f"  {each}" for each in wrong), sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
