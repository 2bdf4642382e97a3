"""The eye that looks at pictures sees what is wrong."""

from matplotlib.figure import Figure

from mlelogit.display.plots.style import place_legend
from tests.display.plots.judging import find_faults


def open_axes(**options):
    ax = Figure(figsize=(4, 3), **options).subplots()
    return ax, ax.plot([0, 1], [0, 1])


def test_a_fine_picture_has_no_faults():
    ax, lines = open_axes(layout="constrained")
    place_legend(ax, lines, ["a line"])
    assert find_faults(ax) == []


def test_text_that_is_cut_off_is_seen():
    ax, _ = open_axes()
    ax.set_ylabel("a label that is much longer than the axes are high, whatever the font may be")
    assert any("is cut off" in fault for fault in find_faults(ax))


def test_text_on_text_is_seen():
    ax, _ = open_axes()
    ax.text(0.5, 0.5, "one")
    ax.text(0.5, 0.5, "other")
    assert find_faults(ax) == ["'one' is on 'other'"]


def test_a_legend_on_the_data_is_seen():
    ax, lines = open_axes()
    ax.legend(lines, ["a line"])
    assert "a legend covers axes" in find_faults(ax)


def test_axes_without_room_are_seen():
    ax, _ = open_axes(layout="constrained")
    ax.set_position([0.4, 0.4, 0.01, 0.01])
    assert "axes have collapsed" in find_faults(ax)
