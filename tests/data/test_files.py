"""Files are written as a whole or not at all."""

import errno
import os
from pathlib import Path

import pytest

from mlelogit.data.files import check_target, write_whole
from mlelogit.exceptions import OutputFileError


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
