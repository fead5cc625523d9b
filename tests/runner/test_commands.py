from pathlib import Path

import pytest

from runner import commands
from runner.problem import Problem


def parse(line: str) -> tuple[commands.Options, str, list[str]]:
    return commands._parse(line.split())


def test_options_may_stand_before_and_after_the_command():
    before, _, _ = parse("--port 9000 --data x serve")
    after, command, rest = parse("serve --port=9000 --data=x")

    assert before == after
    assert (after.port, after.data, command, rest) == (9000, Path("x"), "serve", [])


def test_what_follows_a_command_that_passes_on_is_left_alone():
    options, command, rest = parse("manage --data x import_roster a.zip --data y --help")

    assert options.data == Path("x")
    assert (command, rest) == ("manage", ["import_roster", "a.zip", "--data", "y", "--help"])
    assert parse("test --data z -k name")[2] == ["--data", "z", "-k", "name"]


def test_the_data_folder_comes_from_the_option_then_the_environment(monkeypatch):
    monkeypatch.setenv("CAIRN_DATA", "/somewhere")

    assert parse("serve")[0].data == Path("/somewhere")
    assert parse("serve --data other")[0].data == Path("other")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("serve --port http", "number from 0 to 65535"),
        ("serve --port 70000", "number from 0 to 65535"),
        ("serve --port", "needs a value"),
        ("serve something", "does not take 'something'"),
        ("backup one two", "does not take 'two'"),
        ("restore --force x", "does not take '--force'"),
    ],
)
def test_what_cannot_be_meant_is_refused(line, said):
    with pytest.raises(Problem, match=said):
        parse(line)


def test_help_names_every_command(capsys):
    assert commands.main(["--help"]) == 0

    said = capsys.readouterr().out
    for command in commands.FOR_DEVELOPMENT | commands.SERVING | commands.ON_DATA:
        assert f"./run {command}" in said


def test_an_unknown_command_is_named_with_those_there_are(capsys):
    assert commands.main(["frobnicate"]) == 2

    said = capsys.readouterr().err
    assert "'frobnicate'" in said
    assert "backup, bench, check, demo" in said
