"""The models of a table: their coefficients as shown, and what sets them apart."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from mlelogit.data.arguments import write_value
from mlelogit.data.encoding import Encoding
from mlelogit.display.escapes import write_names
from mlelogit.display.facts import find_omitted, mark_held
from mlelogit.exceptions import OptionError
from mlelogit.fitting.record import FitRecord
from mlelogit.inference.coefficients import NUMBERS, tidy_coefficients
from mlelogit.inference.covariance import Covariance


@dataclass(frozen=True)
class Equation:
    """One comparison of categories.

    Attributes
    ----------
    outcome, category, base : tuple
        Each as `identify` returns it.
    """

    outcome: tuple
    category: tuple
    base: tuple


@dataclass(frozen=True)
class Model:
    """One model of a table.

    Attributes
    ----------
    name : str
    record : FitRecord
    covariance : Covariance
    tidy : pandas.DataFrame
        Its coefficients, see `mlelogit.inference.coefficients.tidy_coefficients`; (J - 1) K rows.
    """

    name: str
    record: FitRecord
    covariance: Covariance
    tidy: pd.DataFrame

    @property
    def encoding(self) -> Encoding:
        """What its names and categories are."""
        return self.record.encoding

    @cached_property
    def values(self) -> dict[str, np.ndarray]:
        """The numbers of `tidy`, (J - 1) K each."""
        return {name: self.tidy[name].to_numpy(np.float64) for name in NUMBERS}

    @property
    def equations(self) -> list[Equation]:
        """Its J - 1 equations, in order."""
        encoding = self.encoding
        outcome, base = identify(encoding.outcome_name), identify(encoding.base_category)
        return [Equation(outcome, identify(one), base) for one in encoding.others]

    @cached_property
    def omitted(self) -> frozenset[int]:
        """The rows of `tidy` that are of columns left out."""
        return find_omitted(self.record)

    @cached_property
    def held(self) -> dict[int, str]:
        """The rows of `tidy` that constraints hold, and how in a word or two."""
        return mark_held(self.record)


def identify(value: Any) -> tuple:
    """Return a key that tells 1 from True and from "1", and takes 1 for 1.0."""
    return isinstance(value, bool | np.bool_), value


def read_models(models: Any, alpha: float, exponentiate: bool) -> list[Model]:
    """Return the models with their coefficients.

    Parameters
    ----------
    models : mapping
        Name -> (FitRecord, Covariance).
    alpha : float
    exponentiate : bool

    Raises
    ------
    OptionError
        If it is no mapping, or there are none.
    """
    if not isinstance(models, Mapping) or not models:
        raise OptionError(
            f"models must map names to fits, such as {{'small': res}}; it is {write_value(models)}."
        )
    names = write_names(models)
    return [
        Model(name, record, covariance, tidy_coefficients(record, covariance, alpha, exponentiate))
        for name, (record, covariance) in zip(names, models.values(), strict=True)
    ]


def name_keys(values: Iterable[Any]) -> dict[tuple, str]:
    """Return the key of every value and its name, different values with different names."""
    found = {identify(value): value for value in values}
    return dict(zip(found, write_names(found.values()), strict=True))


def all_alike(models: list[Model], tell: Callable[[Model], Any]) -> bool:
    """Tell whether something is the same for all models."""
    return len({tell(model) for model in models}) == 1


@dataclass(frozen=True)
class Headings:
    """How equations are called.

    Attributes
    ----------
    outcomes, categories : dict
        Key -> name.
    many_outcomes, many_bases : bool
        Whether the models have different ones.
    """

    outcomes: dict[tuple, str]
    categories: dict[tuple, str]
    many_outcomes: bool
    many_bases: bool

    def name(self, equation: Equation, layout: str) -> str:
        """Return the category; with its base where that does not go without saying."""
        text = self.categories[equation.category]
        if layout == "long" or self.many_bases:
            text = f"{text} vs {self.categories[equation.base]}"
        if layout == "long" and self.many_outcomes:
            text = f"{self.outcomes[equation.outcome]}: {text}"
        return text


def find_headings(models: list[Model]) -> Headings:
    """Find out how to call the equations of some models."""
    return Headings(
        name_keys(model.encoding.outcome_name for model in models),
        name_keys(one for model in models for one in model.encoding.categories),
        not all_alike(models, lambda model: identify(model.encoding.outcome_name)),
        not all_alike(models, lambda model: identify(model.encoding.base_category)),
    )


@dataclass(frozen=True)
class Rows:
    """Which coefficients make a row.

    Attributes
    ----------
    labels : dict
        Key of a row -> its label, in order; different rows have different ones.
    where : dict
        Key of a name -> key of its row, for the names that are shown.
    hidden : tuple of str
        The names that are not.
    """

    labels: dict[Hashable, str]
    where: dict[tuple, Hashable]
    hidden: tuple[str, ...]


def choose_rows(models: list[Model], names: Mapping[Any, str] | None) -> Rows:
    """Choose, order and label the rows.

    Raises
    ------
    OptionError
        If names has one that no model has, or gives two of one model the same label.
    """
    every = name_keys(name for model in models for name in model.encoding.all_names)
    if names is None:
        return Rows(dict(every), {key: key for key in every}, ())
    unknown = [name for name in names if identify(name) not in every]
    if unknown:
        raise OptionError(
            f"No model has a coefficient {write_value(unknown[0])}. They have: "
            f"{', '.join(every.values())}."
        )
    where: dict[tuple, Hashable] = {identify(name): label for name, label in names.items()}
    for model in models:
        _check_labels(model, where)
    labels = dict.fromkeys(names.values())
    hidden = tuple(name for key, name in every.items() if key not in where)
    return Rows(dict(zip(labels, write_names(labels), strict=True)), where, hidden)


def _check_labels(model: Model, where: dict[tuple, Hashable]) -> None:
    """Raise if two names of one model have the same label."""
    taken: dict[Hashable, Any] = {}
    for name in model.encoding.all_names:
        label = where.get(identify(name))
        if label in taken:
            raise OptionError(
                f"names gives {taken[label]!r} and {name!r} the same label {label!r}, and "
                f"model {model.name!r} has both."
            )
        if label is not None:
            taken[label] = name
