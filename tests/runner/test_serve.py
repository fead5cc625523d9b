"""Real processes: everything that ./run serve starts, and how all of it ends."""

import json
import os
import signal
import socket

import pytest

from runner import processes
from tests.runner.installation import wait_for_end

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

WRITE = "from django.contrib.auth.models import Group; Group.objects.create(name='kept')"
READ = "from django.contrib.auth.models import Group; print(Group.objects.get().name)"


def test_a_day_in_its_life(installation):
    with installation.serving() as server:
        status, body = installation.get("/health/ready")
        assert status in {200, 503}
        assert json.loads(body)["checks"]["database"] == "ok"
        assert json.loads(body)["checks"]["broker"] == "ok"

        assert installation.run("manage", "shell", "--no-imports", "-c", WRITE).returncode == 0

        second = installation.run("serve", "--port", "0")
        assert second.returncode == 1
        assert "already running" in second.stderr
        assert f"process {server.pid}" in second.stderr

        server.send_signal(signal.SIGINT)
        assert wait_for_end(server) == 0
    assert installation.nothing_is_left()
    assert "Stopped." in installation.said()

    with installation.serving() as server:
        read = installation.run("manage", "shell", "--no-imports", "-c", READ)
        assert read.stdout.strip().endswith("kept")
        server.send_signal(signal.SIGTERM)
        assert wait_for_end(server) == 0
    assert installation.nothing_is_left()


def test_kill_9_leaves_nothing_running_and_the_next_start_works(installation):
    with installation.serving() as server:
        assert installation.run("manage", "shell", "--no-imports", "-c", WRITE).returncode == 0
        server.kill()
        server.wait()

        # At once, while the orphans are still on their way out.
        with installation.serving():
            read = installation.run("manage", "shell", "--no-imports", "-c", READ)
            assert read.stdout.strip().endswith("kept")

    assert installation.nothing_is_left(), installation.running()


@pytest.mark.parametrize("victim", ["postgres", "broker", "worker", "web"])
def test_a_part_that_is_killed_is_started_again(installation, victim):
    words = {
        "broker": "server unixsocket",
        "worker": "celery\0-A\0config\0worker",
        "web": "gunicorn",
    }
    with installation.serving():
        if victim == "postgres":
            pid = installation.postgres_pid()
        else:
            assert processes.wait_until(lambda: installation.running(words[victim]), 60)
            pid = min(installation.running(words[victim]))

        os.kill(pid, signal.SIGKILL)

        assert processes.wait_until(lambda: "is running again" in installation.said(), 60)
        assert processes.wait_until(installation.answers, 60)
        assert pid not in installation.running()
        if victim == "postgres":
            assert processes.wait_until(
                lambda: '"database": "ok"' in installation.get("/health/ready")[1], 60
            )


def test_a_port_that_is_taken_is_said_and_nothing_is_started(installation):
    with socket.socket() as other:
        other.bind(("127.0.0.1", installation.port))
        other.listen()

        refused = installation.run("serve", "--port", str(installation.port))

    assert refused.returncode == 1
    assert f"Port {installation.port} on 127.0.0.1 cannot be used" in refused.stderr
    assert "--port" in refused.stderr
    assert not installation.running()


def test_a_broker_that_hangs_is_seen_and_does_not_hold_the_answer(installation):
    with installation.serving():
        (broker,) = installation.running("server unixsocket")
        os.kill(broker, signal.SIGSTOP)
        try:
            status, body = installation.get("/health/ready")
        finally:
            os.kill(broker, signal.SIGCONT)

        assert status == 503
        assert "broker" in json.loads(body)["failing"]
        assert json.loads(body)["checks"]["database"] == "ok"
