"""What `make run` prepares: servers that answer, ports that are free, variables in their order."""

import socket
from pathlib import Path

import pytest

from config import local
from config.programs import Ports

PORTS = Ports(web=8000, sockets=8001, flower=5555, mail=1025)


@pytest.fixture
def said() -> list[str]:
    return []


def test_ones_own_servers_are_used_where_they_are_named(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_HOST", "redis.example")
    servers = local.Servers(local.Home(tmp_path))

    urls = servers.start(said.append)

    assert servers.embedded is None
    assert urls["DATABASE_URL"].startswith("postgresql://")
    assert said == []


def test_a_server_that_does_not_answer_is_named_without_its_password(
    tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://app:hidden-word@127.0.0.1:1/app")
    monkeypatch.setattr(local, "PATIENCE", 0.6)

    with pytest.raises(local.NotReady, match="Start it or correct DATABASE_URL") as no:
        local.Servers(local.Home(tmp_path)).start(said.append)

    assert said == ["Waiting for PostgreSQL at 127.0.0.1:1 …"]
    assert str(no.value).startswith("PostgreSQL at 127.0.0.1:1 does not answer: ")
    assert "hidden-word" not in str(no.value)


def test_a_port_that_is_taken_is_replaced_and_said(
    said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        monkeypatch.setenv("WEB_PORT", str(number))

        ports = local.choose_ports(said.append)

    assert ports.web != number
    assert f"Port {number} is taken, so WEB_PORT is {ports.web}." in said


def test_what_one_has_set_comes_before_what_the_clone_keeps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLIC_URL", "http://127.0.0.1:9999")
    monkeypatch.delenv("SECRET_KEY")

    first = local.environment(local.Home(tmp_path), PORTS, {})
    second = local.environment(local.Home(tmp_path), PORTS, {})

    assert first["PUBLIC_URL"] == "http://127.0.0.1:9999"
    assert len(first["SECRET_KEY"]) >= 50
    assert first == second


def test_ones_own_mail_server_keeps_its_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMAIL_HOST", "mail.example")

    assert "EMAIL_PORT" not in local.environment(local.Home(tmp_path), PORTS, {})
