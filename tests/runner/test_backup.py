"""A backup restores into an empty place, and only there."""

import json
import tarfile

import pytest

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

WRITE = "from django.contrib.auth.models import Group; Group.objects.create(name='kept')"
READ = "from django.contrib.auth.models import Group; print(Group.objects.get().name)"
DENIED = (
    "from django.db import connection; connection.cursor().execute('DROP TABLE auth_group CASCADE')"
)


def shell(installation, code, **where):
    return installation.run("manage", "shell", "--no-imports", "-c", code, **where)


@pytest.fixture(scope="module")
def saved(kept_installation):
    """The backup of an installation with one row; nothing of it is running."""
    installation = kept_installation
    assert installation.run("manage", "migrate", "-v", "0").returncode == 0
    assert shell(installation, WRITE).returncode == 0
    made = installation.run("backup", "all.backup")
    assert made.returncode == 0, made.stderr
    assert not installation.running()
    return installation.folder / "all.backup"


def test_a_backup_comes_back_in_an_empty_place(installation, saved):
    elsewhere = installation.folder / "elsewhere"

    restored = installation.run("restore", str(saved), "--data", str(elsewhere))

    assert restored.returncode == 0, restored.stderr
    assert shell(installation, READ, data=elsewhere).stdout.strip().endswith("kept")
    refused = shell(installation, DENIED, data=elsewhere)
    assert "must be owner of table" in refused.stderr  # the application is the plain role there too
    assert not installation.running()


def test_the_file_says_what_it_is_and_is_its_owners(saved):
    with tarfile.open(saved) as tar:
        manifest = json.load(tar.extractfile("manifest.json"))

    assert manifest["product"] == "Cairn"
    assert any(name.startswith("students.0001") for name in manifest["migrations"])
    assert saved.stat().st_mode & 0o777 == 0o600


def test_data_that_is_there_is_never_replaced(kept_installation, saved):
    refused = kept_installation.run("restore", str(saved))

    assert refused.returncode == 1
    assert "There is data" in refused.stderr
    assert "--data DIR" in refused.stderr
    assert shell(kept_installation, READ).stdout.strip().endswith("kept")


def test_a_backup_is_made_beside_a_running_installation(installation):
    with installation.serving():
        assert shell(installation, WRITE).returncode == 0
        assert installation.run("backup", "all.backup").returncode == 0
        assert installation.answers()

    elsewhere = installation.folder / "elsewhere"
    saved = installation.folder / "all.backup"
    assert installation.run("restore", str(saved), data=elsewhere).returncode == 0
    assert shell(installation, READ, data=elsewhere).stdout.strip().endswith("kept")


def test_what_is_no_backup_is_refused_and_leaves_nothing(installation):
    (installation.folder / "letter.txt").write_text("Dear parents")
    empty_tar = installation.folder / "empty.tar"
    tarfile.open(empty_tar, "w").close()

    for name, said in {
        "letter.txt": "is not a backup",
        "empty.tar": "is not a backup",
        "absent.backup": "There is no file",
    }.items():
        refused = installation.run("restore", str(installation.folder / name))
        assert refused.returncode == 1
        assert said in refused.stderr
        assert "Traceback" not in refused.stderr
    assert not installation.data.exists()


def test_a_damaged_or_cut_backup_is_refused(installation, saved):
    whole = bytearray(saved.read_bytes())
    cut = installation.folder / "cut.backup"
    cut.write_bytes(whole[: len(whole) // 2])
    whole[len(whole) // 2] ^= 0xFF
    damaged = installation.folder / "damaged.backup"
    damaged.write_bytes(whole)
    elsewhere = installation.folder / "elsewhere"

    for file in (cut, damaged):
        refused = installation.run("restore", str(file), data=elsewhere)
        assert refused.returncode == 1
        assert "damaged" in refused.stderr or "is not a backup" in refused.stderr
    assert not elsewhere.exists()


def test_a_backup_never_replaces_a_file_and_needs_data(installation):
    (installation.folder / "taken").touch()

    assert "exists already" in installation.run("backup", "taken").stderr
    assert "There is no data" in installation.run("backup", "new").stderr
