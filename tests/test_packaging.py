"""What is built holds what it must and nothing else, and its metadata say what is so."""

import ast
import configparser
import importlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

import mlelogit as ml
from tests.source_tree import parse

ROOT = Path(__file__).parents[1]
TOP = ["LICENSE", "README.md", "pyproject.toml", "setup.cfg"]
FOLDERS = ["mlelogit", "tests", "docs"]
DEVELOPERS = {"docs", "lint", "pytest", "test"}
NEED = re.compile(r"([\w.-]+)(?:\[[\w,]+\])?>=([\w.]+)(?:,<[\w.]+)?")
LINK = re.compile(r"\]\((?!\w+:)([^)#]+)")
JUNK = shutil.ignore_patterns("__pycache__", "_build", ".*")


def copy_sources(folder):
    """Copy what is built, and nothing that tests, builds or desktops have left there."""
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=JUNK)
    for name in TOP:
        shutil.copy(ROOT / name, folder)
    return folder


def list_files(*names):
    """Return the files of folders, as paths from the root of the project."""
    found = {path for name in names for path in (ROOT / name).rglob("*") if path.is_file()}
    paths = {path.relative_to(ROOT) for path in found}
    left = ("__pycache__", "_build", ".")
    return {path.as_posix() for path in paths if not any(p.startswith(left) for p in path.parts)}


def build(folder, *options):
    """Build with this environment's tools, so that nothing is downloaded; return the archives."""
    command = [sys.executable, "-m", "build", "--no-isolation", *options, str(folder)]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return sorted((folder / "dist").iterdir())


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    """The sdist, and the wheel that is built from it, where builds and caches have left theirs."""
    pytest.importorskip("build")
    try:
        found = int(version("setuptools").split(".")[0])
    except PackageNotFoundError:
        found = 0
    if found < 77:
        pytest.skip("setuptools is older than pyproject.toml asks for")
    folder = copy_sources(tmp_path_factory.mktemp("sources"))
    for stale in ("build/lib/mlelogit/stale.py", "mlelogit/data/__pycache__/stale.pyc"):
        path = folder / stale
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"stale")
    (folder / "mlelogit" / ".DS_Store").write_bytes(b"stale")
    wheel, sdist = build(folder)
    return wheel, sdist


@pytest.fixture(scope="module")
def metadata(archives):
    with zipfile.ZipFile(archives[0]) as wheel:
        (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
        return message_from_bytes(wheel.read(name))


def test_wheel_holds_the_package_and_nothing_else(archives):
    with zipfile.ZipFile(archives[0]) as wheel:
        names = set(wheel.namelist())
    info = f"mlelogit-{ml.__version__}.dist-info"
    about = ["METADATA", "RECORD", "WHEEL", "entry_points.txt", "top_level.txt", "licenses/LICENSE"]
    assert names == list_files("mlelogit") | {f"{info}/{name}" for name in about}
    data = {"mlelogit/py.typed", "mlelogit/datasets/anes96.csv", "mlelogit/display/report/page.css"}
    assert data < names
    assert archives[0].name == f"mlelogit-{ml.__version__}-py3-none-any.whl"


def test_sdist_holds_the_package_and_what_builds_it(archives):
    with tarfile.open(archives[1]) as sdist:
        members = sdist.getmembers()
    top, names = f"mlelogit-{ml.__version__}/", set()
    for member in members:
        assert member.isdir() or member.isfile()
        if member.isfile():
            assert member.name.startswith(top)
            names.add(member.name.removeprefix(top))
    made = {name for name in names if name.startswith("mlelogit.egg-info/")} | {"PKG-INFO"}
    # setuptools adds the tests that lie at the top of their folder, of its own accord.
    tests = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").glob("test*.py")}
    assert names - made - tests == list_files("mlelogit") | set(TOP)


def test_sdist_says_what_the_wheel_says(archives, metadata):
    with tarfile.open(archives[1]) as sdist:
        held = sdist.extractfile(f"mlelogit-{ml.__version__}/PKG-INFO").read()
    assert message_from_bytes(held).items() == metadata.items()


def test_wheel_is_the_same_bytes_from_the_tree_and_from_the_sdist(archives, tmp_path):
    folder = copy_sources(tmp_path)
    for path in folder.rglob("*"):
        os.utime(path, (1_600_000_000, 1_600_000_000))
    (wheel,) = build(folder, "--wheel")
    assert wheel.read_bytes() == archives[0].read_bytes()


def test_metadata_are_complete(metadata):
    assert metadata["Name"] == "mlelogit"
    assert metadata["Version"] == ml.__version__
    assert metadata["License-Expression"] == "BSD-3-Clause"
    assert metadata["License-File"] == "LICENSE"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata.get_payload(decode=True) == (ROOT / "README.md").read_bytes()
    classifiers = metadata.get_all("Classifier")
    assert "Typing :: Typed" in classifiers
    assert not [one for one in classifiers if one.startswith("License ::")]
    assert set(metadata.get_all("Provides-Extra")) == set(read_extras())


def test_description_renders(archives):
    pytest.importorskip("twine")
    command = [sys.executable, "-m", "twine", "check", "--strict", *map(str, archives)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("PASSED") == 2


def test_readme_leads_to_files_that_are_there():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    links = set(LINK.findall(text))
    assert links
    assert links <= list_files(*FOLDERS) | set(TOP)
    assert "<img" not in text


def test_command_is_there():
    setup = read_setup()
    name, _, target = setup["options.entry_points"]["console_scripts"].strip().partition(" = ")
    module, _, function = target.partition(":")
    assert name == "mlelogit"
    assert callable(getattr(importlib.import_module(module), function))


def read_setup():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    return setup


def list_lines(text):
    return [line for line in text.splitlines() if line]


def read_extras():
    """Return the requirements of every extra, as lists of lines."""
    extras = read_setup()["options.extras_require"]
    return {name: list_lines(text) for name, text in extras.items()}


def list_own(lines):
    """Return the extras that requirements on the package itself name."""
    own = [line for line in lines if line.startswith("mlelogit[")]
    return {name for line in own for name in line[len("mlelogit[") : -1].split(",")}


def test_all_is_every_extra_for_users():
    extras = read_extras()
    assert list_own(extras["all"]) == set(extras) - DEVELOPERS - {"all"}
    assert list_own(extras["report"]) == {"plots", "tables"}
    assert list_own(extras["test"]) == {"all", "docs", "lint", "pytest"}


def test_every_dependency_has_one_lower_bound():
    extras, bounds = read_extras(), {}
    core = list_lines(read_setup()["options"]["install_requires"])
    groups = [core, *(lines for name, lines in extras.items() if name not in DEVELOPERS)]
    for line in (line for lines in groups for line in lines if not line.startswith("mlelogit[")):
        name, bound = NEED.fullmatch(line).groups()
        bounds.setdefault(name, set()).add(bound)
    # marginaleffects asks for more than we do.
    assert {name for name, found in bounds.items() if len(found) > 1} <= {"polars"}


@pytest.mark.parametrize("name", ["mlelogit", "mlelogit.bridges"])
def test_type_checkers_see_what_is_imported_late(name):
    """The same names from the same modules, in the block that only they read."""
    module = importlib.import_module(name)
    seen = read_types(Path(module.__file__))
    homes = getattr(module, "_HOMES", {one: f"{name}.{one}" for one in module.__all__})
    assert seen == {one: name if home == f"{name}.{one}" else home for one, home in homes.items()}


def read_types(path):
    """Return the names that a block for type checkers imports, and from where."""
    blocks = [
        node
        for node in parse(path).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    imports = [line for block in blocks for line in block.body]
    return {alias.asname or alias.name: line.module for line in imports for alias in line.names}
