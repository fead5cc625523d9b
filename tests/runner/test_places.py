import os
import socket
import stat
from pathlib import Path

import pytest

from runner import binaries, places
from runner.accounts import can_enter, server_account
from runner.places import Places
from runner.problem import Problem
from runner.services import Services

as_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root lends the servers to another user"
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_the_servers_user_can_open_the_sockets_and_the_secret_is_its_owners(installation):
    here = Places(installation.data)

    assert mode(here.sockets) == 0o700
    assert len(here.secret_key()) >= 50
    assert mode(here.data / "secret_key") == 0o600
    assert Places(installation.data).secret_key() == here.secret_key()


def test_a_folder_that_was_there_keeps_its_mode(installation):
    installation.data.mkdir(mode=0o755)
    installation.data.chmod(0o755)

    Places(installation.data)

    assert mode(installation.data) == 0o755


def test_a_long_name_still_gives_a_socket_that_the_kernel_takes(installation):
    here = Places(installation.folder / ("long" * 30))

    name = here.sockets / ".s.PGSQL.5432"
    assert len(os.fsencode(name)) < 108
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(name))
    name.unlink()
    assert Places(here.data).sockets == here.sockets
    here.sockets.rmdir()


@as_root
def test_below_a_closed_folder_the_servers_get_an_open_one(installation, monkeypatch):
    closed = installation.folder / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setattr(places, "OPEN_PLACE", installation.folder / "open")
    (installation.folder / "open").mkdir(mode=0o711)

    here = Places(closed / "data")

    assert mode(closed) == 0o700
    assert can_enter(here.servers, server_account())
    assert here.servers == (closed / "data" / "servers").resolve()
    assert Places(closed / "data").servers == here.servers
    assert str(closed) in (here.servers / "README").read_text()


def test_one_process_at_a_time_has_the_servers(installation):
    here = Places(installation.data)
    with here.servers_lock("first") as first, here.servers_lock("second") as second:
        assert first
        assert not second
        assert here.lock_holder() == (str(os.getpid()), "first")

    with here.servers_lock("third") as third:
        assert third


def test_guests_are_counted(installation):
    here = Places(installation.data)
    assert not here.has_guests()

    with here.guest(), here.guest():
        assert here.has_guests()

    assert not here.has_guests()


def test_data_of_another_postgresql_is_refused_with_the_way_out(installation, monkeypatch):
    monkeypatch.delenv("DATABASE_URL")
    old = Places(installation.data).postgres
    old.mkdir()
    (old / "PG_VERSION").write_text("9\n")

    with pytest.raises(Problem, match=r"made by PostgreSQL 9.*\n.*PG_BIN.*backup.*\n?.*restore"):
        Services(installation.data)


@as_root
def test_programs_in_a_closed_folder_are_copied_with_what_they_load(installation, monkeypatch):
    packages = installation.folder / "closed" / "site-packages"
    (packages / "servers" / "bin").mkdir(parents=True)
    (packages / "servers.libs").mkdir()
    (packages / "servers-1.2.dist-info").mkdir()
    (installation.folder / "closed").chmod(0o700)
    monkeypatch.setattr(binaries, "site_packages", lambda: packages)
    monkeypatch.setattr(binaries, "RUNTIMES", installation.folder / "runtime")

    found = binaries.reachable(packages / "servers" / "bin", server_account())

    assert found == installation.folder / "runtime" / "servers-1.2" / "servers" / "bin"
    assert can_enter(found, server_account())
    assert (found.parent.parent / "servers.libs").is_dir()


def test_a_wrong_pg_bin_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("PG_BIN", str(tmp_path))

    with pytest.raises(Problem, match=f"PG_BIN is {tmp_path}"):
        binaries.find_postgres(None)
