"""Every script of the gallery draws, and every plot method has one."""

import ast
import inspect
import re
from pathlib import Path

import pytest

from mlelogit.display.plots.accessor import Plots
from tests.examples import list_imports, restore_torch

GALLERY = Path(__file__).parents[2] / "docs" / "gallery"
SCRIPTS = sorted(GALLERY.rglob("plot_*.py"))
# A thumbnail is this many pixels wide; a title longer than that is cut off below it.
LONGEST_TITLE = 40


def name_script(script):
    return script.relative_to(GALLERY).with_suffix("").as_posix()


def list_methods(accessor):
    return {
        name
        for name, value in vars(accessor).items()
        if inspect.isfunction(value) and not name.startswith("_")
    }


def list_drawn(source):
    """Return the methods that a script calls as something.plot.method(...)."""
    calls = (node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return {
        func.attr
        for func in calls
        if isinstance(func, ast.Attribute)
        and isinstance(func.value, ast.Attribute)
        and func.value.attr == "plot"
    }


def collect_drawn(folders):
    scripts = [script for script in SCRIPTS if script.parent.name in folders]
    assert scripts
    return set().union(*(list_drawn(script.read_text(encoding="utf-8")) for script in scripts))


@pytest.fixture
def plt():
    plt = pytest.importorskip("matplotlib.pyplot")
    pytest.importorskip("matplotlib").use("Agg")
    yield plt
    plt.close("all")


@pytest.mark.parametrize("script", SCRIPTS, ids=name_script)
def test_a_script_draws_without_a_warning(script, plt):
    code = script.read_text(encoding="utf-8")
    if "torch" in list_imports(code):
        pytest.importorskip("torch")
    plt.close("all")
    with restore_torch():
        exec(compile(code, str(script), "exec"), {"__name__": "__main__"})
    assert plt.get_fignums()
    for number in plt.get_fignums():
        figure = plt.figure(number)
        # What a layout cannot place is told when it is drawn.
        figure.canvas.draw()
        assert any(ax.has_data() or ax.texts for ax in figure.axes)


@pytest.mark.parametrize("script", SCRIPTS, ids=name_script)
def test_a_script_says_what_it_shows(script):
    said = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8")))
    title, line, blank, *text = said.split("\n")
    assert line == "=" * len(title)
    assert len(title) <= LONGEST_TITLE
    assert not blank
    assert len(re.findall(r"[.?](?= |$)", " ".join(text))) >= 2
    assert text[-1].endswith(".")


def test_every_plot_method_has_a_script():
    assert list_methods(Plots) - collect_drawn(["answers", "checks"]) == set()


def test_every_plot_method_of_networks_has_a_script():
    pytest.importorskip("torch")
    from mlelogit.networks.plots import NetworkPlots

    assert list_methods(NetworkPlots) - collect_drawn(["networks"]) == set()


def test_a_method_without_a_script_would_be_seen():
    assert list_drawn("res.plot.trace()\nax.plot(1)\nres.plot.margins") == {"trace"}
    assert "trace" in list_methods(Plots)
