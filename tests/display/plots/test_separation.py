"""The picture of separation shows the report of it."""

import numpy as np
import pytest

from mlelogit.display.plots.style import MINUS
from mlelogit.exceptions import DataNotKeptError, OptionError
from tests.display.plots.judging import read_words
from tests.display.plots.samples import draw, make_fit


def read_cells(ax):
    """Return {(row label, column label): word} of a table of cells."""
    rows = [label.get_text() for label in ax.get_yticklabels()]
    columns = [label.get_text() for label in ax.get_xticklabels()]
    found = {}
    for text in ax.texts:
        if text.get_fontsize() == 9 and text.get_ha() == "center":
            j, i = (int(place) for place in text.get_position())
            found[rows[i], columns[j]] = text.get_text()
    return found


def test_infinite_coefficients_are_named():
    report = make_fit("separated").separation
    cells = read_cells(draw("separated").separation())
    assert len(cells) == 8
    for category, name, limit, _ in report.coefficients.to_numpy(dtype=object):
        sign = "+" if limit > 0 else MINUS
        assert cells.pop((name, category)).startswith(f"{sign}∞")
    assert set(cells.values()) == {"finite"}


@pytest.mark.parametrize("fit", ["separated", "apart"])
def test_a_question_mark_says_that_a_sign_is_not_sure(fit):
    report, encoding = make_fit(fit).separation, make_fit(fit).record.encoding
    ax = draw(fit).separation()
    words = {
        tuple(map(int, text.get_position())): text.get_text()
        for text in ax.texts[: len(encoding.names) * len(encoding.others)]
    }
    sure = {"?" not in word for word in words.values()}
    for category, name, limit, certain in report.coefficients.to_numpy(dtype=object):
        word = words[encoding.others.index(category), encoding.names.index(name)]
        assert np.isnan(limit) or ("?" not in word) is (certain is True)
    assert sure == ({True} if fit == "separated" else {True, False})
    assert ("Question mark" in read_words(ax)) is (fit == "apart")


def test_colours_tell_the_signs_apart():
    ax = draw("separated").separation()
    words = [text.get_text() for text in ax.texts if text.get_fontsize() == 9][:8]
    colors = {}
    for patch, word in zip(ax.patches, words, strict=True):
        colors.setdefault(word[0], set()).add(patch.get_facecolor())
    assert all(len(found) == 1 for found in colors.values())
    assert len({next(iter(found)) for found in colors.values()}) == len(colors) == 3


def test_categories_told_apart_are_counted():
    report = make_fit("separated").separation
    cells = read_cells(draw("separated").separation("categories"))
    for own, other, rows, _ in report.examples.to_numpy(dtype=object):
        assert cells.pop((own, other)) == str(rows)
    assert {word for (own, other), word in cells.items() if own != other} == {"0"}


@pytest.mark.parametrize("kind", ["coefficients", "categories"])
def test_the_share_and_the_remedy_are_said(kind):
    words = read_words(draw("separated").separation(kind))
    assert "Quasi-complete separation." in words
    assert "bias_reduction" in words
    if kind == "coefficients":
        assert "216 of 948 pairs" in words


@pytest.mark.parametrize("kind", ["coefficients", "categories"])
def test_where_there_is_none_a_sentence_says_so(kind):
    ax = draw("three").separation(kind)
    assert not ax.axison
    words = read_words(ax)
    assert "No separation" in words
    assert "certificate proves" in words
    assert not ax.patches


def test_other_kinds_are_refused():
    with pytest.raises(OptionError, match="kind must be one of"):
        draw("three").separation("rows")


def test_rows_are_needed_to_count_them():
    import dataclasses

    record = dataclasses.replace(make_fit("separated").record, blocks=None)
    with pytest.raises(DataNotKeptError):
        draw("separated", record=record).separation("categories")
    assert len(read_cells(draw("separated", record=record).separation())) == 8


def test_the_base_does_not_change_what_is_told_apart():
    moved = make_fit("separated").rebase("manage")
    a = read_cells(draw("separated").separation("categories"))
    b = read_cells(draw("separated", record=moved.record).separation("categories"))
    assert a == b
    assert not np.all([word == "0" for word in a.values()])
