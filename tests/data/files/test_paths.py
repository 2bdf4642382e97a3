"""Files are written as a whole or not at all."""

import errno
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mlelogit.data.files.paths import check_target, hash_file, write_later, write_whole
from mlelogit.data.files.readers import read_data
from mlelogit.exceptions import DataFileError, OutputFileError


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "page.html"
    path.write_text("old")
    return path


def test_a_file_is_replaced_and_nothing_is_left_beside_it(old, tmp_path):
    assert write_whole("new é", str(old)) == old
    assert old.read_text(encoding="utf-8") == "new é"
    assert list(tmp_path.iterdir()) == [old]


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), OutputFileError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_what_was_there_stays_if_writing_breaks_off(old, tmp_path, monkeypatch, fault, raised):
    def fail(_):
        raise fault

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(raised):
        write_whole("new", old)
    assert old.read_text() == "old"
    assert list(tmp_path.iterdir()) == [old]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
def test_a_full_device_is_named():
    with pytest.raises(OutputFileError, match="No space left"):
        write_whole("new", "/dev/full")


def test_text_that_is_no_text_is_named_and_changes_nothing(old):
    with pytest.raises(OutputFileError, match="not written"):
        write_whole("\ud800", old)
    assert old.read_text() == "old"


def test_a_link_stays_a_link_and_rights_stay(old, tmp_path):
    old.chmod(0o640)
    link = tmp_path / "link.html"
    link.symlink_to(old)
    write_whole("new", link)
    assert link.is_symlink()
    assert old.read_text() == "new"
    assert old.stat().st_mode & 0o777 == 0o640


def test_bytes_are_written_as_they_are(tmp_path):
    assert write_whole(b"\x00\r\n\xff", tmp_path / "b").read_bytes() == b"\x00\r\n\xff"
    assert write_whole("one\ntwo\r\n", tmp_path / "t").read_bytes() == b"one\ntwo\r\n"


def test_two_threads_write_one_file_each_as_a_whole(tmp_path, monkeypatch):
    """Both stand in the middle of writing at the same time."""
    meet, path = threading.Barrier(2, timeout=10), tmp_path / "page.html"
    fsync = os.fsync

    def wait(file):
        meet.wait()
        fsync(file)

    monkeypatch.setattr(os, "fsync", wait)
    with ThreadPoolExecutor(2) as pool:
        texts = ["a" * 10_000, "b" * 10_000]
        assert list(pool.map(write_whole, texts, [path] * 2)) == [path] * 2
    assert path.read_text() in texts
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["\u6f22" * 82 + ".html", "x" * 255])
def test_the_longest_names_that_files_can_have_are_written(tmp_path, name):
    """Of a file's name 255 bytes are taken; a letter of these takes three."""
    assert write_whole("text", tmp_path / name).read_text() == "text"


def test_rights_of_a_new_file_are_those_of_any_other(tmp_path):
    (tmp_path / "plain").write_text("x")
    written = write_whole("x", tmp_path / "whole")
    assert written.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_link_laid_in_the_way_is_not_followed(tmp_path, monkeypatch):
    monkeypatch.setattr("secrets.token_hex", lambda _: "0")
    victim = tmp_path / "victim"
    victim.write_text("mine")
    trap = tmp_path / ".mlelogit-0.part"
    trap.symlink_to(victim)
    with pytest.raises(OutputFileError, match="not written"):
        write_whole("new", tmp_path / "page.html")
    assert victim.read_text() == "mine"
    assert trap.is_symlink()


@pytest.mark.parametrize("path", ["", 3, None, b"x", "a\0b"])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(OutputFileError):
        check_target(path)


def test_a_folder_and_a_place_without_one_are_refused(tmp_path):
    with pytest.raises(OutputFileError, match="is a folder"):
        check_target(tmp_path)
    with pytest.raises(OutputFileError, match="no folder"):
        check_target(tmp_path / "no" / "page.html")
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputFileError):
        check_target(tmp_path / "file" / "page.html")


@pytest.mark.parametrize("read", [read_data, hash_file])
def test_what_holds_no_data_is_named(tmp_path, read):
    with pytest.raises(DataFileError, match="is a folder"):
        read(str(tmp_path))
    with pytest.raises(DataFileError, match="There is no file"):
        read(str(tmp_path / "none.csv"))


def test_a_file_that_is_written_later_is_whole_or_not_there(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(KeyError), write_later(path) as aside:
        write_and_fail(aside)
    assert path.read_text() == "old"
    with write_later(path) as aside:
        aside.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert [one.name for one in tmp_path.iterdir()] == ["a.txt"]


def write_and_fail(path):
    path.write_text("new")
    raise KeyError


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of Unix")
def test_a_pipe_with_a_name_is_told(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataFileError, match=r"is a pipe or a device.*give - "):
        read_data(str(tmp_path / "pipe"))
