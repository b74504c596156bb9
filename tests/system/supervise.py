"""The process that keeps the programs of a test system running, as `make run` keeps its own.

python -m tests.system.supervise LOG MAIL WEB SOCKETS FLOWER MAILPORT

It stops them when its standard input ends, which also happens when the tests are killed.
"""

import select
import sys
from pathlib import Path

from config.processes import Supervisor
from config.programs import Ports, programs


def main(log: Path, mail: Path, ports: Ports) -> None:
    """Run until nobody holds the other end of our standard input any more."""
    with log.open("a") as stream:
        supervisor = Supervisor(programs(ports, mail, with_mail=True), stream)

        def stop_when_left() -> None:
            if select.select([sys.stdin], [], [], 0)[0] and not sys.stdin.read(1):
                supervisor.stop()

        supervisor.run(stop_when_left)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Ports(*map(int, sys.argv[3:7])))
