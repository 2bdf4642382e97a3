"""What all pictures have in common: colours, marks, sizes of text, and how axes are dressed.

Everything is set on the artists themselves, so that neither the settings of the process nor
those of a user's figure change, and names from the data are drawn as they are: no dollar sign,
underscore or line break in them is read as markup.

The colours are those of Okabe and Ito (2008, Color Universal Design), which people with any of
the common colour vision deficiencies tell apart, the ones that are faint on white last, and
yellow, which cannot be read there, left out. No picture relies on colour alone: marks, dashes and
hatches go with it.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from mlelogit.notices import import_extra

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#56B4E9", "#E69F00")
# Their number has no factor in common with that of the colours, so that pairs repeat late.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p", "<", ">", "h", "*")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1, 1.2)), (0, (5, 1.2, 1, 1.2)))
HATCHES = ("", "//", "..", "\\\\", "x", "--", "||", "+")
INK = "#222222"
FAINT = "#595959"
RULE = "#7F7F7F"
GRID = "#E3E3E3"
BAND = "#F4F4F4"
PAPER = "white"
MINUS = "\N{MINUS SIGN}"
NO_BREAK = "\N{NO-BREAK SPACE}"
# Points: what is read comfortably at the size the figures have.
TITLE_SIZE, LABEL_SIZE, TEXT_SIZE = 11.0, 10.0, 9.0
# Inches that a character takes on average, and a line, both at the size of the text.
CHARACTER, LINE = 0.075, 0.165
# Lines are wider than the average in places, and their letters with few dots per inch.
ROOM = 1.06
# How much wider bold letters are.
BOLD = 1.1
# Inches of axes that leave no room for a legend at their side.
NARROW = 4.5
# The share of it that their own scales have, less labels and titles.
SHARE = 0.8
# Points from axes to a legend below them, past ticks and a label; letters that a handle takes.
BELOW, HANDLE = 38.0, 6
# Lines of a legend that go below; a longer one goes inside, where among so many points there is
# time to look for the place at which it covers least, in letters of so many points.
MOST_BELOW, FEW_POINTS, SMALL_SIZE = 2.5, 2000, 7.5
NAME_WIDTH = 30
NAME_LINES = 3
# A name may be broken after a blank or one of these signs, and before a bracket.
BREAKS = re.compile(r"(?<=[\s:\])}_./,;|&+*=-])|(?=[\[({])")


def pick_color(i: int) -> str:
    """Return the colour of the i-th series."""
    return COLORS[i % len(COLORS)]


def pick_marker(i: int) -> str:
    """Return the mark of the i-th series."""
    return MARKERS[i % len(MARKERS)]


def look_of_mark(i: int, size: float = 6.0) -> dict[str, Any]:
    """Return the keywords of matplotlib for points of the i-th series without a line."""
    return {
        "linestyle": "none",
        "marker": pick_marker(i),
        "color": pick_color(i),
        "markersize": size,
        "markeredgewidth": 1.0,
    }


def pick_dashes(i: int) -> Any:
    """Return the line style of the i-th series."""
    return DASHES[i % len(DASHES)]


def pick_hatch(i: int) -> str:
    """Return the hatch of the i-th area."""
    return HATCHES[i % len(HATCHES)]


def write_plain(name: Any) -> str:
    r"""Write a name in letters that can be seen, others by their codes.

    Examples
    --------
    >>> from mlelogit.display.plots.style import write_plain
    >>> print(write_plain("one\ttwo\nthree"))
    one\ttwo\nthree
    """
    return "".join(
        letter if letter.isprintable() or letter == NO_BREAK else repr(letter)[1:-1]
        for letter in str(name)
    )


def wrap_name(name: Any, width: int = NAME_WIDTH, most: int | None = NAME_LINES) -> str:
    r"""Break a name into lines, and leave out its middle if there would be too many.

    Parameters
    ----------
    name : object
    width : int
        Characters per line.
    most : int, optional
        Lines; any number if None.

    Examples
    --------
    >>> from mlelogit.display.plots.style import wrap_name
    >>> wrap_name("C(region)[south of the river]", 14).split("\n")
    ['C(region)', '[south of the', 'river]']
    """
    text = write_plain(name)
    room = len(text) if most is None else width * most
    if len(text) > room:
        # What tells names apart is as often their end as their beginning.
        text = f"{text[: room - room // 3 - 1]}…{text[-(room // 3) :]}"
    lines = _fill(BREAKS.split(text), width)
    if most is not None and len(lines) > most:
        lines[most - 1 :] = ["".join(lines[most - 1 :])]
    return "\n".join(lines)


def wrap_names(names: Sequence[Any], width: int = NAME_WIDTH, most: int = NAME_LINES) -> list[str]:
    r"""Break names as `wrap_name` does, and keep them whole if any two would read the same.

    Examples
    --------
    >>> from mlelogit.display.plots.style import wrap_names
    >>> wrap_names(["x" * 30 + "1" + "y" * 30, "x" * 30 + "2" + "y" * 30], 20, 1)[0].count("\n")
    3
    """
    written = [str(name) for name in names]
    short = {name: wrap_name(name, width, most) for name in written}
    if len(set(short.values())) < len(short):
        short = {name: wrap_name(name, width, None) for name in written}
    return [short[name] for name in written]


def wrap_sentences(text: str, width: float, size: float = TEXT_SIZE) -> str:
    """Break sentences at blanks into lines of so many inches, in letters of so many points."""
    letters = max(int(width / (CHARACTER * ROOM) * TEXT_SIZE / size), 12)
    return textwrap.fill(write_plain(text), letters, break_on_hyphens=False)


def _fill(pieces: Iterable[str], width: int) -> list[str]:
    """Put pieces together to lines of at most so many characters."""
    lines = [""]
    for piece in pieces:
        rest = piece
        if lines[-1] and len(lines[-1]) + len(rest.rstrip()) > width:
            lines.append("")
        while len(rest.rstrip()) > width:
            lines[-1], rest = rest[:width], rest[width:]
            lines.append("")
        lines[-1] += rest
    return [line.strip() for line in lines if line.strip()] or [""]


def measure_names(names: Iterable[str]) -> float:
    """Return about how many inches wide some (wrapped) names are."""
    lines = [len(line) for name in names for line in name.split("\n")]
    return CHARACTER * max(lines, default=0)


def count_lines(name: str) -> int:
    """Return the number of lines of a (wrapped) name."""
    return name.count("\n") + 1


def write_coverage(alpha: float) -> str:
    """Write the level of intervals in per cent.

    Examples
    --------
    >>> from mlelogit.display.plots.style import write_coverage
    >>> [write_coverage(alpha).split() for alpha in (0.05, 0.001)]
    [['95', '%'], ['99.9', '%']]
    """
    return f"{100 * (1 - alpha):.6g}{NO_BREAK}%"


def write_short(value: float) -> str:
    """Write a number with four digits, and a minus sign that is one.

    Examples
    --------
    >>> from mlelogit.display.plots.style import write_short
    >>> write_short(-0.0123456)
    '−0.01235'
    """
    return f"{value:.4g}".replace("-", MINUS)


def dress_axes(ax: Any, grid: str = "") -> None:
    """Give axes the look of the family.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    grid : {"", "x", "y", "both"}
        Which ticks have lines.
    """
    ax.set_facecolor(PAPER)
    ax.set_axisbelow(True)
    ax.minorticks_off()
    ax.margins(0.05)
    look = {"colors": INK, "labelsize": TEXT_SIZE, "length": 3, "width": 0.8, "pad": 3.5}
    sides = {"top": False, "right": False, "bottom": True, "left": True}
    ax.tick_params(direction="out", **look, **sides)
    ax.grid(visible=False, which="both")
    if grid:
        ax.grid(visible=True, which="major", axis=grid, color=GRID, linewidth=0.8, linestyle="-")
    for side, spine in ax.spines.items():
        spine.set(visible=side in ("left", "bottom"), color=RULE, linewidth=0.8)


def name_axes(ax: Any, x: str = "", y: str = "", width: float = 4.6, height: float = 3.3) -> None:
    """Label the two axes, so many inches long; long labels are broken."""
    letter = CHARACTER * LABEL_SIZE / TEXT_SIZE
    if measure_cell(ax) < NARROW:
        width, height = min(width, SHARE * measure_cell(ax)), height * SHARE
    for name, write, size in ((x, ax.set_xlabel, width), (y, ax.set_ylabel, height)):
        look = {"fontsize": LABEL_SIZE, "fontweight": "normal", "color": INK, "labelpad": 4}
        write(wrap_name(name, int(size / letter)), **look)


def measure_cell(ax: Any) -> float:
    """Return the inches that axes may take: those of their figure, or of their cell in its grid."""
    spec, figure = ax.get_subplotspec(), ax.figure
    whole = float(figure.bbox.width / figure.dpi)
    if spec is None or spec.get_gridspec().ncols == 1:
        return whole
    return float(spec.get_position(figure).width) * whole


def entitle(ax: Any, title: str, notes: Sequence[str] = (), width: float = 0.0) -> None:
    """Put a title, and in smaller letters what a reader must know, above axes.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    title : str
    notes : sequence of str
        Sentences; what is empty is left out.
    width : float
        Inches that they may be wide; of the axes as they are if not given.
    """
    size = ax.get_window_extent().width / ax.figure.dpi
    width = max(min(width or size, measure_cell(ax)), 2.0)
    said = wrap_sentences(" ".join(note for note in notes if note), width)
    lines = count_lines(said) if said else 0
    ax.set_title(
        wrap_sentences(title, width, TITLE_SIZE * BOLD),
        loc="left",
        fontsize=TITLE_SIZE,
        fontweight="bold",
        color=INK,
        pad=6 + lines * TEXT_SIZE * 1.25,
    )
    if said:
        ax.annotate(
            said,
            (0, 1),
            xycoords="axes fraction",
            xytext=(0, 4),
            textcoords="offset points",
            ha="left",
            va="bottom",
            fontsize=TEXT_SIZE,
            linespacing=1.15,
            color=FAINT,
            annotation_clip=False,
        )


def entitle_figure(ax: Any, title: str, notes: Sequence[str], width: float) -> None:
    """Put a title, and notes in smaller letters, above all panels of a figure.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        One of them.
    title : str
    notes : sequence of str
    width : float
        Inches that they may be wide.
    """
    said = wrap_sentences(" ".join(note for note in notes if note), width)
    bold = wrap_sentences(title, width, TITLE_SIZE * BOLD)
    lines = (count_lines(said) if said else 0) * TEXT_SIZE / TITLE_SIZE
    # The title keeps the room of the notes free, as a figure has one title only.
    whole = ax.figure.suptitle(
        bold + "\n" * int(np.ceil(lines)),
        x=0.01,
        ha="left",
        fontsize=TITLE_SIZE,
        fontweight="bold",
        color=INK,
    )
    take_literally(whole)
    if said:
        # As high as the title's own lines; so many pixels from an edge constrained layout pads.
        down = 5 + count_lines(bold) * TITLE_SIZE * 1.35
        below = ax.annotate(
            said,
            (0.01, 1),
            xycoords="subfigure fraction",
            xytext=(0, -down),
            textcoords="offset points",
            ha="left",
            va="top",
            fontsize=TEXT_SIZE,
            linespacing=1.15,
            color=FAINT,
            annotation_clip=False,
        )
        below.set_in_layout(False)


def name_figure(figure: Any, x: str, y: str, width: float, height: float = 3.3) -> None:
    """Label the axes that all panels of a figure share."""
    letter = CHARACTER * LABEL_SIZE / TEXT_SIZE
    look = {"fontsize": LABEL_SIZE, "fontweight": "normal", "color": INK}
    for name, write, size in ((x, figure.supxlabel, width), (y, figure.supylabel, height)):
        if name:
            take_literally(write(wrap_name(name, int(size / letter)), **look))


def write_head(ax: Any, head: str) -> None:
    """Write what a panel is of above it."""
    ax.set_title(head, loc="left", fontsize=LABEL_SIZE, fontweight="normal", color=INK, pad=6)


def place_names(
    ax: Any, positions: Sequence[float], names: Sequence[str], axis: str = "y", **look: Any
) -> None:
    """Write names at the ticks of an axis, as they are."""
    where = ax.yaxis if axis == "y" else ax.xaxis
    where.set_ticks(list(positions), labels=list(names), **look)
    where.set_minor_locator(import_extra("matplotlib.ticker", "plots").NullLocator())


def place_legend(ax: Any, handles: Sequence[Any], names: Sequence[str], title: str = "") -> Any:
    """Put a legend to the right of axes, where it covers nothing, unless they are narrow."""
    if measure_cell(ax) < NARROW:
        return place_legend_close(ax, handles, names, title)
    legend = ax.legend(
        handles,
        ["x"] * len(handles),
        loc="upper left",
        bbox_to_anchor=(1.02, 1.0),
        **_legend_look(title),
    )
    return name_entries(legend, names)


def place_legend_close(ax: Any, handles: Sequence[Any], names: Sequence[str], title: str) -> Any:
    """Put a legend below axes that are narrow, or inside if it is so long that it would fill them.

    Below it stands past the label of the axis; inside where it covers least.
    """
    longest = max((len(line) for name in names for line in name.split("\n")), default=1)
    columns = int(np.clip(measure_cell(ax) / CHARACTER // (longest + HANDLE), 1, 3))
    lines = sum(map(count_lines, names)) / columns
    look = _legend_look(title) | {"ncols": columns, "columnspacing": 1.0}
    if lines <= MOST_BELOW:
        move = import_extra("matplotlib.transforms", "plots").ScaledTranslation
        down = ax.transAxes + move(0, -BELOW / 72, ax.figure.dpi_scale_trans)
        look |= {"loc": "upper left", "bbox_to_anchor": (0.0, 0.0), "bbox_transform": down}
    else:
        points = sum(len(line.get_xdata()) for line in ax.lines)
        loc = "best" if points <= FEW_POINTS else "upper right"
        small = {"fontsize": SMALL_SIZE, "title_fontsize": SMALL_SIZE, "labelspacing": 0.25}
        look |= {"loc": loc, "ncols": 1, "frameon": True, "framealpha": 0.75} | small
        look |= {"facecolor": PAPER, "edgecolor": GRID, "borderaxespad": 0.3}
    return name_entries(ax.legend(handles, ["x"] * len(handles), **look), names)


def place_figure_legend(
    figure: Any, handles: Sequence[Any], names: Sequence[str], title: str = ""
) -> Any:
    """Put a legend to the right of all axes of a figure."""
    legend = figure.legend(
        handles, ["x"] * len(handles), loc="outside right upper", **_legend_look(title)
    )
    return name_entries(legend, names)


def _legend_look(title: str) -> dict[str, Any]:
    return {
        "title": wrap_name(title, NAME_WIDTH) or None,
        "title_fontsize": TEXT_SIZE,
        "fontsize": TEXT_SIZE,
        "labelcolor": INK,
        "frameon": False,
        "borderaxespad": 0.0,
        "alignment": "left",
        "handlelength": 2.6,
        "borderpad": 0.4,
        "labelspacing": 0.5,
    }


def name_entries(legend: Any, names: Sequence[str]) -> Any:
    """Write names into a legend, be they such as matplotlib would leave out."""
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_text(name)
        take_literally(text)
    for handle in legend.legend_handles:
        thin_hatch(handle)
    take_literally(legend.get_title())
    legend.get_title().set_color(INK)
    return legend


def thin_hatch(area: Any) -> None:
    """Draw hatches fine, where matplotlib knows how: before 3.10 a setting alone tells it."""
    if hasattr(area, "set_hatch_linewidth"):
        area.set_hatch_linewidth(0.8)


def take_literally(text: Any) -> None:
    """Let a text be drawn as it is, without mathematics or TeX."""
    text.set_parse_math(False)
    text.set_usetex(False)


def finish(ax: Any) -> Any:
    """Take all texts of axes literally, and return the axes."""
    for text in ax.findobj(import_extra("matplotlib.text", "plots").Text):
        take_literally(text)
    return ax


def use_whole_numbers(axis: Any) -> None:
    """Put ticks of an axis at whole numbers only."""
    ticker = import_extra("matplotlib.ticker", "plots")
    axis.set_major_locator(ticker.MaxNLocator(8, integer=True, min_n_ticks=1))
    use_plain_numbers(axis)


def use_plain_numbers(axis: Any) -> None:
    """Write the numbers at the ticks of an axis in full, without an offset."""
    ticker = import_extra("matplotlib.ticker", "plots")
    axis.set_major_formatter(
        ticker.FuncFormatter(lambda value, _: f"{value:.10g}".replace("-", MINUS))
    )
    axis.set_minor_formatter(ticker.NullFormatter())


def use_log_scale(ax: Any, axis: str, low: float, high: float) -> None:
    """Give an axis a log scale from low to high, with ticks that can be read, also within a decade.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    axis : {"x", "y"}
    low, high : float
        Positive.
    """
    ticker = import_extra("matplotlib.ticker", "plots")
    which = ax.xaxis if axis == "x" else ax.yaxis
    (ax.set_xscale if axis == "x" else ax.set_yscale)("log")
    (ax.set_xlim if axis == "x" else ax.set_ylim)(low, high)
    decades = np.log10(high) - np.log10(low)
    if decades < 0.8:
        which.set_major_locator(ticker.MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    elif decades < 4:
        fine = (1, 2, 5) if decades < 2 else (1, 3)
        which.set_major_locator(ticker.LogLocator(subs=fine, numticks=12))
    else:
        which.set_major_locator(ticker.LogLocator(numticks=8))
    which.set_minor_locator(ticker.NullLocator())
    use_plain_numbers(which)
