import pytest

from runner import installation


@pytest.fixture
def venv(tmp_path, monkeypatch):
    """A finished .venv as far as its files say, with two locks."""
    requirements = tmp_path / "requirements"
    requirements.mkdir()
    for kind in ("run", "dev"):
        (requirements / f"{kind}.lock").write_text("django==5.2.1 --hash=sha256:aa\n")
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    monkeypatch.setattr(installation, "REQUIREMENTS", requirements)
    monkeypatch.setattr(installation, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(installation, "PYTHON", python)
    monkeypatch.setattr(installation, "MARKER", tmp_path / ".venv" / "cairn-installed")
    return tmp_path / ".venv"


def test_a_venv_without_its_mark_is_half_made(venv):
    assert not installation._holds("run")

    installation.mark("run", "dev")

    assert installation._holds("run")
    assert installation._holds("dev")


def test_one_for_running_has_not_what_development_needs(venv):
    installation.mark("run")

    assert installation._holds("run")
    assert not installation._holds("dev")


def test_a_changed_lock_is_noticed(venv):
    installation.mark("run", "dev")

    lock = installation.REQUIREMENTS / "run.lock"
    lock.write_text(lock.read_text().replace("5.2.1", "5.2.2"))

    assert not installation._holds("run")
    assert installation._holds("dev")


def test_a_folder_that_moved_is_made_anew(venv):
    installation.mark("run")
    text = installation.MARKER.read_text()
    installation.MARKER.write_text(text.replace(str(venv), "/where/it/was/.venv"))

    assert not installation._holds("run")
