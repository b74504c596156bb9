"""`python -m bench [NAME …] [--json]`: run benches, ours and the peer's in turn, and say the ratios.

PEERS_DIR names the folder that holds the peer (`bull/`); without it ours runs alone.
"""

import argparse
import json
import sys
from collections.abc import Callable

from bench import drain, ingest
from bench.peer import Peer
from bench.result import Result
from bench.stack import Stack

BENCHES: dict[str, Callable[[Stack, Peer | None], Result]] = {
    "drain": drain.run,
    "ingest": ingest.run,
}


def main() -> int:
    """Run what was asked for; 1 when a result is not correct."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHES)}")
    parser.add_argument("--json", action="store_true", help="one line of JSON per bench")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(BENCHES):
        parser.error(f"no such bench: {', '.join(sorted(unknown))}")
    with Stack() as stack:
        peer = Peer.find(stack)
        results = [BENCHES[name](stack, peer) for name in chosen.names or BENCHES]
    for result in results:
        print(json.dumps(result.line()) if chosen.json else result.text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
