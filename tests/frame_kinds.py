"""Every kind of frame and column, and every place that takes one, for the table in the docs."""

import functools
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml

PAGE = Path(__file__).parents[1] / "docs" / "guides" / "frames.md"
ROWS = 90
NUMBERS = ["x", "v"]
OFFSET = ["a", "b", "c"]


def make_rows(seed=4, rows=ROWS):
    rng = np.random.default_rng(seed)
    pick = rng.integers(0, 3, rows)
    return pd.DataFrame(
        {
            "y": np.array(["a", "b", "c"], dtype=object)[pick],
            "x": rng.normal(size=rows) + 0.5 * pick,
            "v": rng.integers(-2, 3, rows),
            "r": np.array(["north", "south"], dtype=object)[rng.integers(0, 2, rows)],
            "w": rng.integers(1, 4, rows),
            "g": rng.integers(0, 9, rows),
            "a": np.zeros(rows),
            "b": rng.normal(size=rows),
            "c": rng.normal(size=rows),
        }
    )


DATA = make_rows()
NEW = make_rows(seed=5, rows=31)


def give_polars(frame):
    return pytest.importorskip("polars").from_pandas(frame)


def give_arrow(frame):
    return pytest.importorskip("pyarrow").Table.from_pandas(frame, preserve_index=False)


def give_batch(frame):
    return give_arrow(frame).to_batches()[0]


def give_relation(frame):
    duckdb = pytest.importorskip("duckdb")
    connection = duckdb.connect()
    connection.register("given", frame)
    return connection.sql("SELECT * FROM given")


def give_dask(frame):
    dask = pytest.importorskip("dask.dataframe")
    import dask as settings

    with settings.config.set({"dataframe.convert-string": False}):
        return dask.from_pandas(frame, npartitions=2)


def give_sparse(frame):
    sparse = pytest.importorskip("scipy.sparse")
    return sparse.csc_array(frame.select_dtypes("number").to_numpy(dtype=float))


def give_structured(frame):
    kinds = [(name, frame[name].to_numpy().dtype) for name in frame]
    return np.array([tuple(row) for row in frame.itertuples(index=False)], dtype=kinds)


def give_parquet(frame, folder):
    pytest.importorskip("pyarrow")
    path = folder / f"rows{len(list(folder.iterdir()))}.parquet"
    frame.to_parquet(path)
    return path


def mask(values):
    return np.ma.masked_array(values, mask=np.zeros(values.shape, dtype=bool))


def arrow_dtypes(frame):
    pytest.importorskip("pyarrow")
    return frame.convert_dtypes(dtype_backend="pyarrow")


def first(frame):
    return frame.iloc[:, 0]


def column_of(give):
    """Return what gives a column of a kind, given what makes a frame of it."""
    return lambda frame: give(frame)[frame.columns[0]]


def plain_column(frame):
    return frame.iloc[:, 0].to_numpy()


def number(column):
    """Return text as its places in order, which a sparse array can hold."""
    return pd.factorize(column, sort=True)[0] if column.dtype.kind not in "iuf" else column


# Kind -> what gives a table of it, and what gives a column of it.
KINDS = {
    "pandas": (lambda frame: frame, first),
    "pandas, nullable dtypes": (
        pd.DataFrame.convert_dtypes,
        column_of(pd.DataFrame.convert_dtypes),
    ),
    "pandas, Arrow dtypes": (arrow_dtypes, column_of(arrow_dtypes)),
    "polars": (give_polars, column_of(give_polars)),
    "polars LazyFrame": (lambda frame: give_polars(frame).lazy(),) * 2,
    "pyarrow Table, ChunkedArray": (give_arrow, column_of(give_arrow)),
    "pyarrow RecordBatch, Array": (give_batch, lambda frame: give_batch(frame).column(0)),
    "DuckDB relation": (give_relation, give_relation),
    "dask": (give_dask, column_of(give_dask)),
    "parquet file, by its path": (give_parquet, give_parquet),
    "list of frames": (lambda frame: [frame[:20], frame[20:]],) * 2,
    "numpy array": (pd.DataFrame.to_numpy, plain_column),
    "numpy masked array": (
        lambda frame: mask(frame.to_numpy()),
        lambda frame: mask(plain_column(frame)),
    ),
    "numpy matrix": (lambda frame: np.asmatrix(frame.to_numpy()),) * 2,
    "numpy structured array": (give_structured, give_structured),
    "scipy.sparse": (give_sparse, lambda frame: give_sparse(frame.apply(number))),
    "dict of columns, list": (
        lambda frame: frame.to_dict("list"),
        lambda frame: first(frame).tolist(),
    ),
    "list of dicts": (lambda frame: frame.to_dict("records"),) * 2,
    "list of lists": (lambda frame: frame.to_numpy().tolist(),) * 2,
    "generator": (lambda frame: iter(frame.to_numpy().tolist()), lambda frame: iter(first(frame))),
}


UNNAMED = {
    "numpy array",
    "numpy masked array",
    "numpy matrix",
    "scipy.sparse",
    "list of lists",
    "generator",
}


def fit_formula(data=DATA, **options):
    return ml.mnlogit("y ~ x + C(r)", data, **options).fit()


def fit_arrays(endog=DATA["y"], exog=DATA[NUMBERS], **options):
    return ml.MNLogit(endog, exog, **options).fit()


@functools.cache
def fit_plainly(formula=True):
    """Return the fit to pandas, made once."""
    return fit_formula() if formula else fit_arrays()


def flatten(*parts):
    return np.concatenate([np.ravel(np.asarray(part, dtype=float)) for part in parts])


def tell_estimates(*results):
    return flatten(*(part for one in results for part in (one.params, one.bse, one.llf)))


def read_numbers(found):
    """Return the numbers of a frame of any kind, or of what comes in parts."""
    if hasattr(found, "compute"):
        found = found.compute()
    if not hasattr(found, "columns"):
        return np.concatenate([read_numbers(part) for part in found])
    if not hasattr(found, "iloc"):
        found = pd.DataFrame(found.to_pydict() if hasattr(found, "to_pydict") else found.to_dict())
    return found.loc[:, (found.dtypes == np.dtype(float)).to_numpy()].to_numpy()


def ask_data(table, column):
    return tell_estimates(fit_formula(table(DATA)))


def ask_endog(table, column):
    return tell_estimates(fit_arrays(column(DATA[["y"]])))


def ask_exog(table, column):
    return tell_estimates(fit_arrays(exog=table(DATA[NUMBERS])))


def ask_weights(table, column):
    return tell_estimates(
        fit_formula(weights=column(DATA[["w"]]), weight_type="frequency"),
        fit_arrays(weights=column(DATA[["w"]]), weight_type="frequency"),
    )


def ask_offset(table, column):
    return tell_estimates(
        fit_formula(offset=table(DATA[OFFSET])), fit_arrays(offset=table(DATA[OFFSET]))
    )


def ask_groups(table, column):
    """Give groups wherever they are taken."""
    model = ml.mnlogit("y ~ x + C(r)", DATA)
    clustered = model.fit(cov_type="cluster", cov_kwds={"groups": column(DATA[["g"]])})
    again = model.fit().with_cov("cluster", groups=column(DATA[["g"]]))
    drawn = again.bootstrap(6, "cluster", groups=column(DATA[["g"]]), seed=1, disp=False, n_jobs=1)
    held = model.cross_validate(3, groups=column(DATA[["g"]]), seed=1, disp=False)
    dealt = model.cross_validate(column(DATA[["g"]]), disp=False)
    tested = again.bootstrap_test("x = 0", column(DATA[["g"]]), 39, seed=1, disp=False)
    averaged = again.get_prediction(by=column(DATA[["g"]])).std_err
    parts = clustered.bse, again.bse, drawn.replicates, held.loglike, dealt.loglike
    return flatten(*parts, tested.p_value, averaged)


def ask_predict(result, new, outcome):
    parts = [result.predict(new()), result.predict(new(), "linear")]
    return flatten(*map(read_numbers, parts))


def ask_prediction(result, new, outcome):
    found, averaged = result.get_prediction(new()), result.get_prediction(new(), average=True)
    return flatten(read_numbers(found.summary_frame()), found.conf_int(), averaged.std_err)


def ask_margins(result, new, outcome):
    return flatten(read_numbers(result.margins(newdata=new()).summary_frame()))


def ask_scores(result, new, outcome):
    scored = result.scores(new(), outcome)
    judged = result.calibration(new(), outcome, bins=3)
    counted = result.classification(new(), outcome)
    tables = scored.overall, judged.bins, counted.by_category
    return flatten(*(read_numbers(one) for one in tables))


PLACES = {
    "`mnlogit(formula, data)`": ask_data,
    "`MNLogit(endog, ...)`": ask_endog,
    "`MNLogit(..., exog)`": ask_exog,
    "`weights`": ask_weights,
    "`offset`": ask_offset,
    "`groups`": ask_groups,
}
NEW_PLACES = {
    "`predict`": ask_predict,
    "`get_prediction`": ask_prediction,
    "`margins`": ask_margins,
    "`scores`": ask_scores,
}


def ask_new(place, kind, table, formula):
    """Ask a fit by a formula, or one to arrays, about new rows of a kind."""
    named = kind not in UNNAMED
    rows = NEW if formula or named else NEW[NUMBERS]
    result = fit_plainly(formula)
    return NEW_PLACES[place](result, lambda: table(rows), "y" if named else list(NEW["y"]))


def read_table(heading):
    """Return the cells of the table under a heading of the page: {row: {column: text}}."""
    text = PAGE.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cut = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    head, rows = cut[0], cut[2:]
    return {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows}


def read_error(cell):
    """Return the error that a cell names."""
    found = re.fullmatch(r"`(\w+Error)`", cell)
    assert found, cell
    return getattr(ml.exceptions, found[1])
