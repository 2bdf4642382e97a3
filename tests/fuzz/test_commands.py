"""Whatever is typed on the command line: a status and one message, never a traceback."""

import pytest
from hypothesis import given

from tests.fuzz.commands import FILES, check_command, commands, run, write_files
from tests.fuzz.strategies import budget


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_files(tmp_path_factory.mktemp("files"))


@pytest.fixture(autouse=True)
def inside(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "80")


@given(argv=commands())
@budget(200)
def test_a_status_and_one_message(argv: list[str]):
    check_command(argv)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("command", ["fit", "predict"])
def test_every_file(command, name):
    status = check_command([command, name, "y ~ x", "--missing", "drop"])
    assert status == 0 or not name.lower().startswith("good")


def test_a_good_command_prints_its_table():
    status, out, err = run(["fit", "good.csv", "y ~ x"])
    assert (status, err) == (0, "")
    assert "Multinomial Logit Results" in out
