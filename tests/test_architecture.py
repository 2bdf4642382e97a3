"""The shape of the package: imports run one way, files and functions stay short."""

import ast
import importlib
import inspect
import subprocess
import sys

import pytest

from tests.source_tree import (
    FUNCTION,
    PACKAGE,
    TESTS,
    count_body,
    count_code,
    find_docstring,
    list_calls,
    list_functions,
    list_imports,
    list_sources,
    parse,
    relative,
    walk_at_import,
)

LAYERS = (
    "version",
    "exceptions",
    "notices",
    "letters",
    "markup",
    "data",
    "fitting",
    "inference",
    "interpretation",
    "display",
    "equivalence",
    "networks",
    "datasets",
    "bridges",
    "saving",
    "answers",
    "results",
    "comparison",
    "model",
    "estimator",
    "terminal",
    "cli",
    "__main__",
)
INSIDE = {
    "data": (
        "foreign",
        "frames",
        "arguments",
        "limits",
        "threads",
        "codes",
        "files.paths",
        "files.formats",
        "files.compressed",
        "files.dialects",
        "files.lines",
        "files.restored",
        "files.delimited",
        "files.stata",
        "files.workbooks",
        "files.readers",
        "files.writers",
        "files.growing",
        "expressions",
        "spellings",
        "formulas",
        "outcome",
        "matching",
        "sources",
        "factors",
        "columns",
        "widths",
        "encoding",
        "terms",
        "derivatives",
        "changes",
        "hypotheses.wording",
        "hypotheses.restrictions",
        "hypotheses.combinations",
        "hypotheses.constraints",
        "rows",
        "compression",
        "distinct",
        "design",
        "outward",
        "features",
        "assembly",
        "labels",
        "blocks",
        "folds",
        "streaming.sources.pieces",
        "streaming.sources.frames",
        "streaming.sources.quantiles",
        "streaming.sources.grouping",
        "streaming.sources.batches",
        "streaming.sources.duckdb",
        "streaming.sources.partitions",
        "streaming.sources.dask",
        "streaming.sources.paths",
        "streaming.sources.arrow",
        "streaming.sources.parquet",
        "streaming.sources.datasets",
        "streaming.learning.moments",
        "streaming.learning.polynomials",
        "streaming.learning.knots",
        "streaming.learning.levels",
        "streaming.learning.transforms",
        "streaming.learning.rounds",
        "streaming.tables",
        "streaming.rows",
        "streaming.stamps",
        "streaming.labels",
        "streaming.facts",
        "streaming.stream",
        "streaming.designs",
        "streaming.opening",
        "streaming.ways",
    ),
    "fitting": (
        "checkpoint",
        "doubles",
        "linalg",
        "products",
        "certificate",
        "likelihood",
        "objective",
        "basis",
        "rank",
        "maximum",
        "whitening",
        "climb",
        "subspace",
        "optimization",
        "separation",
        "recession",
        "limit",
        "examination",
        "warmup",
        "matrixfree",
        "adjustments",
        "scoring",
        "penalties",
        "constrained.constraints",
        "constrained.moves",
        "record",
        "constrained.restriction",
        "report",
        "sizes",
        "refinement",
        "constrained.bounds",
        "constrained.equations",
        "constrained.ascent",
        "estimation",
        "resumption",
        "refits",
        "penalized.regularization",
        "penalized.proximal",
        "penalized.loss",
        "penalized.narrow",
        "penalized.descent",
        "penalized.paths",
        "heldout",
    ),
    "inference": (
        "ranks",
        "sandwich.cells",
        "sandwich.leverage",
        "sandwich.streamed",
        "sandwich.deletion",
        "sandwich.clusters",
        "sandwich.serial",
        "sandwich.survey",
        "sandwich.requests",
        "covariance",
        "fit_statistics",
        "fit_measures",
        "multiplicity",
        "coefficients",
        "rebase",
        "testing.nesting",
        "testing.maintained",
        "testing.streams",
        "testing.hypothesis",
        "testing.mixtures",
        "testing.constraints",
        "testing.patterns",
        "testing.goodness",
        "testing.hauck_donner",
        "testing.likelihood_ratio",
        "testing.score",
        "testing.equations",
        "testing.additions",
        "testing.terms",
        "testing.combining",
        "testing.subsets",
        "testing.independence",
        "resampling.units",
        "resampling.jackknife",
        "resampling.bootstrap_intervals",
        "resampling.draws",
        "resampling.bootstrap",
        "resampling.score_bootstrap",
        "intervals.profile",
        "intervals.sections",
        "intervals.inversion",
        "intervals.contrasts",
        "resampling.validation",
    ),
    "interpretation": (
        "labelling",
        "variances",
        "points",
        "streaming",
        "averages",
        "prediction",
        "pieces",
        "performance.rates",
        "performance.judged",
        "performance.judgement",
        "performance.binning",
        "performance.classification",
        "performance.recalibration",
        "performance.calibration",
        "performance.decomposition",
        "performance.discrimination",
        "performance.scoring_rules",
        "predictions.uncertainty",
        "predictions.simultaneous",
        "predictions.bands",
        "predictions.estimates",
        "predictions.probabilities",
        "selection",
        "diagnostics.residuals",
        "diagnostics.worst",
        "diagnostics.deletions",
        "diagnostics.influence",
        "margins.variables",
        "margins.slopes",
        "margins.places",
        "margins.means",
        "margins.streamed",
        "margins.requests",
        "margins.changes",
        "margins.grids",
        "margins.table",
        "margins.effects",
    ),
    "display": (
        "escapes",
        "facts",
        "references",
        "writing",
        "summary",
        "tables.layout",
        "tables.numbers",
        "tables.request",
        "tables.models",
        "tables.statistics",
        "tables.notes",
        "tables.content",
        "tables.text",
        "tables.html",
        "tables.latex",
        "tables.word",
        "tables.gt",
        "tables.table",
        "plots.style",
        "plots.canvas",
        "plots.known",
        "plots.rows",
        "plots.coefficients",
        "plots.likelihood",
        "plots.separation",
        "plots.curves",
        "plots.probabilities",
        "plots.effects",
        "plots.calibration",
        "plots.binned",
        "plots.diagnostics",
        "plots.accessor",
        "report.content",
        "report.cells",
        "report.page",
        "report.scope",
        "report.wording",
        "report.pictures",
        "report.overview",
        "report.proof",
        "report.estimates",
        "report.effects",
        "report.hypotheses",
        "report.measures",
        "report.predictions",
        "report.rowwise",
        "report.cautions",
        "report.calls",
        "report.colophon",
        "report.document",
    ),
    "equivalence": (
        "identity",
        "constrained",
        "engines",
        "verification",
        "factors",
        "description",
        "gaussian",
        "moments",
        "discriminant",
    ),
    "networks": (
        "backend",
        "module",
        "rows",
        "passes",
        "likelihood",
        "gradients",
        "examination",
        "priors",
        "path",
        "certification.scores",
        "certification.curvature",
        "certification.saddles",
        "certification.affine",
        "certification.recession",
        "certification.outward",
        "certification.pieces",
        "certification.certificate",
        "record",
        "climb",
        "optimization",
        "prediction",
        "proof.logit_form",
        "proof.identity",
        "proof.points",
        "proof.agreement",
        "proof.trainings",
        "proof.logit",
        "proof.descents",
        "proof.verification",
        "judging",
        "plots",
        "summary",
        "results",
        "fitting",
    ),
    "datasets": (),
    "bridges": (
        "maketables",
        "columns",
        "covariances",
        "adapter",
        "marginaleffects",
        "statsmodels.failures",
        "statsmodels.outcomes",
        "statsmodels.words",
        "statsmodels.likelihood",
        "statsmodels.limit",
        "statsmodels.matching",
        "statsmodels.margins",
        "statsmodels.fitting",
        "statsmodels.results",
        "statsmodels.model",
        "statsmodels.conversion",
    ),
    "terminal": (
        "options",
        "commands",
        "answers",
        "inputs",
        "sources",
        "fits",
        "comparing",
        "predicting",
        "testing",
        "converting",
    ),
    "saving": (
        "kinds",
        "values",
        "numbers",
        "reading",
        "encoding",
        "formulas",
        "estimates",
        "conditions",
        "imprint",
        "sample",
        "covariances",
        "records",
        "tables",
        "held",
        "proof",
        "rows",
        "document",
        "files",
    ),
    "answers": ("facts", "inference", "interpretation", "display"),
}
LONGEST_FILE = 300
LONGEST_FUNCTION = 40
LONGEST_DELEGATION = 5
DELEGATING = (
    "answers/facts.py",
    "answers/inference.py",
    "answers/interpretation.py",
    "answers/display.py",
    "networks/results.py",
    "results.py",
    "model.py",
)
MAY_MINIMIZE = ("fitting/optimization.py", "equivalence/engines.py", "networks/optimization.py")
MAY_PRINT = ("cli.py",)
HEAVY = {
    "statsmodels",
    "matplotlib",
    "sklearn",
    "torch",
    "dask",
    "duckdb",
    "pyarrow",
    "polars",
    "narwhals",
    "formulaic",
    "great_tables",
    "maketables",
    "marginaleffects",
    "docx",
}
SOURCES = list_sources()
every_file = pytest.mark.parametrize("path", SOURCES, ids=relative)


def place(module):
    """Return where a module of the package stands: (layer, position inside it)."""
    _, *rest = module.split(".")
    if not rest or rest[0] not in LAYERS:
        return None
    layer = LAYERS.index(rest[0])
    inside = INSIDE.get(rest[0], ())
    name = ".".join(rest[1:])
    if name in inside:
        return layer, inside.index(name)
    # A room stands behind the last of what is in it.
    held = [i for i, other in enumerate(inside) if name and other.startswith(f"{name}.")]
    return layer, held[-1] + 0.5 if held else len(inside)


def name_module(path):
    parts = relative(path).removesuffix(".py").split("/")
    parts = parts[:-1] if parts[-1] == "__init__" else parts
    return ".".join(["mlelogit", *parts])


def judge_import(module, imported):
    """Say whether one module of the package may import another."""
    own, other = place(module), place(imported)
    return other is not None and other < own


def test_every_file_has_its_place():
    listed = {"__init__.py", *(f"{layer}.py" for layer in LAYERS if layer not in INSIDE)}
    for folder, modules in INSIDE.items():
        paths = [module.split(".") for module in modules]
        rooms = {".".join(path[:depth]) for path in paths for depth in range(1, len(path))}
        files = ["__init__", *(f"{room}.__init__" for room in rooms), *modules]
        listed |= {f"{folder}/{file.replace('.', '/')}.py" for file in files}
    assert {relative(path) for path in SOURCES} == listed


@every_file
def test_imports_run_one_way(path):
    module = name_module(path)
    if module == "mlelogit":
        return
    wrong = []
    for line, imported in list_imports(path):
        if imported == "mlelogit" or imported.startswith("mlelogit."):
            parent = imported.rpartition(".")[0]
            known = PACKAGE.joinpath(*imported.split(".")[1:])
            is_module = known.is_dir() or known.with_suffix(".py").is_file()
            target = imported if is_module else parent
            if target != module and not judge_import(module, target):
                wrong.append(f"{relative(path)}:{line} imports {imported}")
    assert not wrong


def test_the_rule_of_imports_can_be_broken():
    assert not judge_import("mlelogit.data.frames", "mlelogit.data.outcome")
    assert not judge_import("mlelogit.fitting.linalg", "mlelogit.inference.covariance")
    assert not judge_import("mlelogit.results", "mlelogit.model")
    assert not judge_import("mlelogit.data.design", "mlelogit")
    assert judge_import("mlelogit.data.blocks", "mlelogit.data.design")


def test_top_of_the_package_is_lazy():
    """But for what only type checkers read."""
    top = PACKAGE / "__init__.py"
    assert list_imports_at_import(top) <= {"__future__", "importlib", "typing", "mlelogit"}
    found = [node for node in walk_at_import(parse(top)) if isinstance(node, ast.ImportFrom)]
    own = {str(node.module) for node in found if str(node.module).startswith("mlelogit")}
    assert own == {"mlelogit.version"}
    assert list_imports_at_import(PACKAGE / "version.py") == {"__future__"}


def list_imports_at_import(path):
    found = set()
    for node in walk_at_import(parse(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module).split(".")[0])
    return found


@pytest.mark.parametrize(
    "path",
    [
        "equivalence/identity.py",
        "equivalence/constrained.py",
        "equivalence/engines.py",
    ],
)
def test_independent_engines_do_not_import_the_fit(path):
    wrong = ("mlelogit.fitting", "mlelogit.inference", "mlelogit.data", "mlelogit.results")
    imported = [name for _, name in list_imports(PACKAGE / path)]
    assert not [name for name in imported if name.startswith(wrong)]


@every_file
def test_files_are_short(path):
    assert count_code(path) < LONGEST_FILE


@every_file
def test_functions_are_short(path):
    lengths = {
        function.name: count_code(path, function.lineno, function.end_lineno)
        for function in list_functions(path)
    }
    assert not {name: length for name, length in lengths.items() if length >= LONGEST_FUNCTION}


@pytest.mark.parametrize("name", DELEGATING)
def test_results_and_model_delegate(name):
    path = PACKAGE / name
    lengths = {function.name: count_body(path, function) for function in list_functions(path)}
    assert lengths
    assert not {key: length for key, length in lengths.items() if length > LONGEST_DELEGATION}


def test_lines_of_code_are_counted(tmp_path):
    path = tmp_path / "sample.py"
    function = 'def f():\n    """D."""\n    return x\n'
    path.write_text(f'"""Two\nlines."""\n\n# note\nx = """a\nb"""\n\n\n{function}')
    assert count_code(path) == 4
    assert count_body(path, list_functions(path)[0]) == 1


@every_file
def test_scipy_minimize_has_one_caller(path):
    if relative(path) in MAY_MINIMIZE:
        assert list_calls(path, "minimize")
        return
    assert not list_calls(path, "minimize", "minimize_scalar", "fmin", "fmin_bfgs", "fmin_l_bfgs_b")
    assert not [line for line, name in list_imports(path) if name.endswith(".minimize")]


@every_file
def test_nothing_prints_but_the_command_line(path):
    if relative(path) not in MAY_PRINT:
        assert not list_calls(path, "print", "pprint")


@every_file
def test_nothing_runs_text_as_code(path):
    calls = [
        node.lineno
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("eval", "exec", "compile", "__import__", "globals", "locals")
        and not (relative(path) == "__init__.py" and node.func.id == "globals")
    ]
    assert not calls
    assert "pickle" not in {name for _, name in list_imports(path)}


@every_file
def test_heavy_packages_are_imported_late(path):
    if not relative(path).startswith("bridges/"):
        # A class of scikit-learn's kind is made of its classes; it is reached lazily itself.
        own = {"sklearn"} if relative(path) == "estimator.py" else set()
        assert not list_imports_at_import(path) & HEAVY - own


@pytest.mark.parametrize("path", list_sources(TESTS), ids=lambda path: path.name)
def test_tests_do_without_pytorch(path):
    """All of them are collected for doctests, so an import at the top would end the whole run."""
    assert "torch" not in list_imports_at_import(path)


@every_file
def test_public_names_are_documented(path):
    tree = parse(path)
    assert find_docstring(tree) is not None
    wrong = []
    for node in tree.body:
        if isinstance(node, (*FUNCTION, ast.ClassDef)) and not node.name.startswith("_"):
            wrong += [] if ends_with_full_stop(node) else [node.name]
        if isinstance(node, ast.ClassDef):
            wrong += [
                f"{node.name}.{method.name}"
                for method in node.body
                if isinstance(method, FUNCTION)
                and find_docstring(method)
                and not ends_with_full_stop(method)
            ]
    assert not wrong


@pytest.mark.parametrize("name", DELEGATING)
def test_public_methods_are_documented(name):
    for node in parse(PACKAGE / name).body:
        if isinstance(node, ast.ClassDef):
            for method in node.body:
                if not isinstance(method, FUNCTION) or method.name.startswith("_"):
                    continue
                # What overload decorates says types alone, of the method that follows.
                if "overload" not in map(ast.unparse, method.decorator_list):
                    assert ends_with_full_stop(method), f"{node.name}.{method.name}"


def ends_with_full_stop(node):
    docstring = find_docstring(node)
    first = inspect.cleandoc(docstring.value.value).split("\n")[0] if docstring else ""
    return first.endswith(".")


@pytest.mark.parametrize("path", list_sources(TESTS), ids=lambda path: path.name)
def test_comparisons_in_tests_are_asserted(path):
    """A bare ``np.allclose(a, b)`` on a line of its own compares and says nothing."""
    silent = ("allclose", "isclose", "array_equal", "equals", "array_equiv", "approx")
    bare = [
        node.lineno
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Compare | ast.Call)
        and (isinstance(node.value, ast.Compare) or calls_one_of(node.value, silent))
    ]
    assert not bare


def calls_one_of(call, names):
    called = call.func
    return getattr(called, "attr", getattr(called, "id", "")) in names


@pytest.mark.parametrize(
    ("statement", "unwanted"),
    [
        ("import mlelogit", HEAVY | {"numpy", "pandas", "scipy"}),
        ("from mlelogit import MNLogit", {"statsmodels", "sklearn", "formulaic", "matplotlib"}),
    ],
)
def test_import_stays_light(statement, unwanted):
    code = f"import sys; {statement}; print('\\n'.join(sys.modules))"
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    assert not {name.split(".")[0] for name in run.stdout.split()} & unwanted


def test_public_names_resolve():
    package = importlib.import_module("mlelogit")
    for name in package.__all__:
        assert getattr(package, name) is not None
    assert set(package.__all__) <= set(dir(package))
    with pytest.raises(AttributeError, match="nonsense"):
        _ = package.nonsense


def test_every_error_has_the_package_base():
    exceptions = importlib.import_module("mlelogit.exceptions")
    for name in exceptions.__all__:
        case = getattr(exceptions, name)
        base = exceptions.MNLogitWarning if name.endswith("Warning") else exceptions.MNLogitError
        assert issubclass(case, base)
    assert issubclass(exceptions.MNLogitError, ValueError)
    assert issubclass(exceptions.MNLogitWarning, UserWarning)
    defined = {node.name for node in parse(PACKAGE / "exceptions.py").body if hasattr(node, "name")}
    assert defined == set(exceptions.__all__)
