"""Every name in the reference is documented: what the house asks of docstrings, checked."""

import ast
import importlib.util
import inspect
import pydoc
import re
import textwrap
from functools import cache
from pathlib import Path

import pytest

import mlelogit as ml
from mlelogit import bridges, datasets, equivalence, exceptions, networks, saving

validation = pytest.importorskip("numpydoc.validate")
for needed in ("docutils", "sphinx"):
    pytest.importorskip(needed)

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs" / "reference").glob("*.md"))
BLOCK = re.compile(r"^\.\. names::\n((?:   .*\n|\n)+?)```", re.MULTILINE)


def load_extension():
    """Return what builds the reference, which says what stands in it."""
    path = ROOT / "docs" / "_extensions" / "reference.py"
    spec = importlib.util.spec_from_file_location("reference_extension", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


EXTENSION = load_extension()
# The records that stand for the results in functions behind a method.
RECORDS = {"record", "covariance"}
RESULTS = "mlelogit.results.MNLogitResults"


def list_blocks():
    texts = (page.read_text(encoding="utf-8") for page in PAGES)
    return [block for text in texts for block in BLOCK.findall(text)]


def read_names(block):
    return [line.strip() for line in block.splitlines() if line.strip().startswith("mlelogit")]


def list_entries():
    """Return the names of all entries, of those in tables only too."""
    return sorted({name for block in list_blocks() for name in read_names(block)})


def is_installed(name):
    """Return whether a name does without an extra that is not installed."""
    try:
        pydoc.locate(name)
    except (ImportError, pydoc.ErrorDuringImport):
        return False
    return True


def find(name):
    return pydoc.locate(name)


ENTRIES = [name for name in list_entries() if is_installed(name)]
MODULES = [name for name in ENTRIES if inspect.ismodule(pydoc.locate(name))]
CLASSES = [name for name in ENTRIES if inspect.isclass(pydoc.locate(name))]
OTHERS = [name for name in ENTRIES if name not in {*MODULES, *CLASSES}]
FUNCTIONS = [name for name in OTHERS if name.rpartition(".")[0] not in CLASSES]
# Records of which the reference has the fields alone: their methods are for the package itself.
FIELDS = {name for block in list_blocks() if ":fields:" in block for name in read_names(block)}
MEMBERS = [
    f"{name}.{member}"
    for name in CLASSES
    if name not in FIELDS
    for member in EXTENSION.list_members(pydoc.locate(name))
]
KNOWN = {*ENTRIES, *MEMBERS}
# Checks of numpydoc: a summary of one line, that begins with a capital and ends in a full stop; of
# functions that says what to do; parameters all there, no others, in their order; what is returned.
ALWAYS = {"GL08", "SS01", "SS02", "SS03", "SS04", "SS06"}
OF_FUNCTIONS = {"SS05", "PR01", "PR02", "PR03", "PR05", "PR06", "PR10", "RT01", "RT02", "EX01"}


# Verbs of summaries that say what is returned.
SAYING = ("Return", "Make", "Count", "Say", "Tell", "Write", "Test")


@cache
def validate(name):
    return validation.validate(name)


def list_faults(name, checks):
    """Return what numpydoc finds, but for parameters that are the two records of a fit."""
    return [f"{code} {said}" for code, said in validate(name)["errors"] if code in checks]


def read_homes(name):
    return EXTENSION.find_homes(inspect.getdoc(find(name)))


def is_property(name):
    return not callable(find(name))


def list_arguments(function):
    kept = inspect.signature(function).parameters
    return [name for name in kept if name not in {"self", "cls"}]


def read_documented(name):
    """Return the names of parameters and attributes in a docstring."""
    doc = validation.Validator(validation.get_doc_object(find(name))).doc
    fields = [*doc["Parameters"], *doc["Other Parameters"], *doc["Attributes"]]
    return {one.strip().lstrip("*") for field in fields for one in field.name.split(",")}


def returns_at_once(name):
    """Return whether the summary says all of what is returned, and there is nothing to give."""
    summary = inspect.getdoc(find(name))
    given = set(list_arguments(find(name))) - RECORDS
    return summary.startswith(SAYING) and not given


@pytest.mark.parametrize("name", MODULES)
def test_modules_say_what_they_hold(name):
    assert inspect.getdoc(find(name)).splitlines()[0].endswith((".", ":"))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_documented_in_full(name):
    checks = ALWAYS | OF_FUNCTIONS
    if returns_at_once(name):
        checks = checks - {"RT01"}
    assert list_faults(name, checks) == []


@pytest.mark.parametrize("name", CLASSES)
def test_classes_have_every_field_and_an_example(name):
    """Or they name the function that makes them, which has one."""
    assert list_faults(name, ALWAYS) == []
    value = find(name)
    if not is_plain(value) and not is_statsmodels(value):
        missing = {one for one in list_arguments(value) if one[0] != "_"} - read_all(value)
        assert missing == set()
    if "Examples" not in inspect.getdoc(value):
        made = re.findall(r"Made by `([\w.]+)`", " ".join(inspect.getdoc(value).split()))
        assert made
        assert [one for one in made if one not in KNOWN] == []


def read_all(value):
    """Return the fields that the docstrings of a class and of its bases tell."""
    homes = [home for home in value.__mro__ if home.__module__.startswith("mlelogit")]
    return set().union(*(read_documented(f"{one.__module__}.{one.__qualname__}") for one in homes))


def is_statsmodels(value):
    return any(home.__module__.startswith("statsmodels") for home in value.__mro__)


def is_plain(value):
    """Return whether a class is not made by its arguments: a protocol or an enumeration."""
    return getattr(value, "_is_protocol", False) or hasattr(value, "__members__")


@pytest.mark.parametrize("name", MEMBERS)
def test_methods_are_documented_or_lead_to_what_is(name):
    checks = ALWAYS if is_property(name) else ALWAYS | {"SS05"}
    assert list_faults(name, checks) == []
    homes = read_homes(name)
    assert [home for home in homes if home not in KNOWN] == []
    if is_property(name):
        return
    if is_from_elsewhere(name):
        return
    told = set().union(read_documented(name), *(read_argument_names(home) for home in homes))
    told |= read_words_for_all(name)
    if homes:
        told |= set(re.findall(r"\w+", inspect.getdoc(find(name))))
    given = set(list_arguments(find(name)))
    assert given - told == set()
    if not homes and not returns_at_once(name):
        checks = {"PR01", "PR02", "PR03", "PR10", "RT01"}
        yields = inspect.isgeneratorfunction(find(name)) or "Yields" in inspect.getdoc(find(name))
        assert list_faults(name, checks - {"RT01"} if yields else checks) == []


def read_words_for_all(name):
    """Return the arguments that a class tells for all of its methods."""
    text = inspect.getdoc(find(name.rpartition(".")[0]))
    return set(re.findall(r"``(\w+)``", text)) if "Everywhere" in text else set()


def is_from_elsewhere(name):
    """Return whether a method stands for another package's, which tells the arguments."""
    home, _, member = name.rpartition(".")
    others = [base for base in find(home).__mro__[1:] if not base.__module__.startswith("mlelogit")]
    return any(getattr(base, member, None) is not None for base in others)


def read_argument_names(home):
    """Return the parameters that the entry at the end of a link tells."""
    return set() if home in MODULES else read_documented(home)


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_full_names_in_docstrings_are_links_that_work(name):
    told = re.findall(r"(?<!`)`(mlelogit(?:\.\w+)+)`", inspect.getdoc(find(name)))
    ours = {one for one in KNOWN if one.startswith(RESULTS)}
    aliases = {one.replace("mlelogit.results", "mlelogit") for one in ours}
    errors = {f"mlelogit.exceptions.{one}" for one in exceptions.__all__}
    assert set(told) - KNOWN - aliases - errors == set()


@pytest.mark.parametrize("name", EXTENSION.list_members(pydoc.locate(RESULTS)))
def test_every_method_of_the_results_leads_to_its_function(name):
    homes = read_homes(f"{RESULTS}.{name}")
    assert homes
    assert set(homes) <= set(ENTRIES)


# Links to what is behind an answer without making it in the last statement: an argument's meaning,
# what was called when the fit was made or before, what the answer is a sum of.
BEHIND = {
    *((name, "NewRows") for name in ("classification", "calibration", "scores")),
    ("score_test", "score_test"),
    ("lr_test", "lr_test_hypothesis"),
    ("rebase", "rebase_record"),
    ("tidy", "adjust_pvalues"),
    ("converged", "certify"),
    ("score", "compute_score_obs"),
}


def read_used(function):
    """Return the names that make the answer, of attributes too, and those of its type."""
    whole = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    tree = ast.Tuple([node for node in (whole.body[-1], whole.returns) if node])
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return names | {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def is_used(home, function):
    """Return whether a function is called, a class made or a field of it read; modules explain."""
    value, used = find(home), read_used(function)
    if inspect.isclass(value):
        return bool(used & {home.rpartition(".")[2], *read_all(value), *vars(value)} - {"record"})
    return inspect.ismodule(value) or home.rpartition(".")[2] in used


def unwrap_member(name):
    """Return the function behind a method or property of the results."""
    member = inspect.getattr_static(pydoc.locate(RESULTS), name)
    kinds = ("fget", "func", "__func__")
    return next((getattr(member, kind) for kind in kinds if hasattr(member, kind)), member)


@pytest.mark.parametrize("name", EXTENSION.list_members(pydoc.locate(RESULTS)))
def test_links_of_an_answer_lead_to_what_it_calls(name):
    homes = read_homes(f"{RESULTS}.{name}")
    left = [home for home in homes if not is_used(home, unwrap_member(name))]
    assert {(name, home.rpartition(".")[2]) for home in left} <= BEHIND


def test_a_link_to_another_function_is_seen():
    home = "mlelogit.inference.coefficients"
    assert is_used(f"{home}.two_sided_p", unwrap_member("pvalues"))
    assert not is_used(f"{home}.compute_z", unwrap_member("pvalues"))
    assert not is_used("mlelogit.inference.covariance.Covariance", unwrap_member("llf"))


@pytest.mark.parametrize(
    ("name", "home", "constant"),
    [
        ("mlelogit.data.streaming.opening.open_design", "data.streaming.stream", "HELD_ELEMENTS"),
        ("mlelogit.data.limits.find_memory", "data.limits", "SHARE"),
        ("mlelogit.networks.certification.curvature", "networks.certification.curvature", "DOUBT"),
        ("mlelogit.inference.multiplicity.adjust_pvalues", "inference.multiplicity", "ADJUSTMENTS"),
    ],
)
def test_constants_are_told_by_their_values(name, home, constant):
    value = getattr(pydoc.locate(f"mlelogit.{home}"), constant)
    told = " ".join(inspect.getdoc(find(name)).split())
    for one in value if isinstance(value, tuple) else [value]:
        shown = f'"{one}"' if isinstance(one, str) else f"{one:,}".replace("e-0", "e-")
        assert shown in told


def test_the_tables_of_the_results_name_every_method_once():
    text = (ROOT / "docs" / "reference" / "results.md").read_text(encoding="utf-8")
    listed = re.findall(rf"^   {RESULTS}\.(\w+)$", text, re.MULTILINE)
    assert sorted(listed) == sorted(EXTENSION.list_members(pydoc.locate(RESULTS)))


def list_told(function, seen):
    """Return the names of errors and warnings of a function, and of its module's own helpers."""
    if function in seen:
        return set()
    seen.add(function)
    found = set()
    for node in walk(ast.parse(textwrap.dedent(inspect.getsource(function)))):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            found.add(getattr(node.exc.func, "id", ""))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == "warn_user" and len(node.args) > 1:
                found.add(getattr(node.args[1], "id", ""))
            if node.func.id == "check_choice":
                given = [*node.args[3:], *(word.value for word in node.keywords)]
                found.add(given[0].id if given else "OptionError")
            called = function.__globals__.get(node.func.id)
            if inspect.isfunction(called) and is_near(called, function):
                found |= list_told(called, seen)
    return found & set(exceptions.__all__)


def walk(node):
    """Yield the parts of code, but for what stands in a try that catches something."""
    yield node
    for part in ast.iter_child_nodes(node):
        if not (isinstance(node, ast.Try) and node.handlers and part in node.body):
            yield from walk(part)


def is_near(called, function):
    return called.__module__ == function.__module__ or called.__name__.startswith("check_")


def name_with_bases(name):
    return {base.__name__ for base in getattr(exceptions, name).__mro__}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_name_the_errors_and_warnings_they_make(name):
    doc = validation.Validator(validation.get_doc_object(find(name))).doc
    fields = [*doc["Raises"], *doc["Warns"]]
    told = set(re.findall(r"\w+", " ".join(f"{one.name} {one.type}" for one in fields)))
    made = list_told(inspect.unwrap(find(name)), set())
    assert {one for one in made if not name_with_bases(one) & told} == set()


FORMULA = re.compile(r"[Σ√‖∂]|``[^`]* = [^`]*[-+*/^²][^`]*``")
SOURCE = re.compile(r"\b(?:18|19|20)\d\d\b|[Dd]erivation|derived|docs/explanation")


@pytest.mark.parametrize("name", [*FUNCTIONS, *MODULES])
def test_formulas_have_a_source(name):
    value = find(name)
    text = inspect.getdoc(value)
    if FORMULA.search(text):
        home = inspect.getmodule(value)
        assert SOURCE.search(text + (home.__doc__ or ""))


@pytest.mark.parametrize("name", exceptions.__all__)
def test_errors_and_warnings_say_when_and_what_to_do(name):
    when, remedy = EXTENSION.split_remedy(getattr(exceptions, name))
    assert re.match(r"[A-Z].*\.$", when)
    assert re.match(r"[A-Z].*\.$", remedy)


def list_public():
    """Return the objects behind every public name."""
    named = {(ml, name) for name in (*ml.__all__, *ml.EXTRA) if is_installed(f"mlelogit.{name}")}
    for home in (networks, datasets, equivalence, saving):
        named |= {(home, name) for name in home.__all__}
    return named


@pytest.mark.parametrize("home", [bridges.statsmodels, bridges.marginaleffects, bridges.maketables])
def test_bridges_stand_in_the_reference(home):
    names = getattr(home, "__all__", ())
    shown = {id(find(name)) for name in ENTRIES}
    # Results that a fit returns wrapped, as statsmodels does, are described once.
    kinds = {name for name in names if not name.startswith("L1") and not name.endswith("Wrapper")}
    assert {name for name in kinds if id(getattr(home, name)) not in shown} == set()
    assert any(name.startswith(home.__name__) for name in ENTRIES)


def test_every_public_name_stands_in_the_reference():
    shown = {id(find(name)) for name in ENTRIES}
    values = {(name, id(getattr(home, name))) for home, name in list_public()}
    others = {"__version__", *(name for name in ml.__all__ if inspect.ismodule(getattr(ml, name)))}
    assert {name for name, value in values if name not in others and value not in shown} == set()


def test_every_name_stands_once_as_an_entry():
    blocks = [block for block in list_blocks() if ":table:" not in block]
    names = [name for block in blocks for name in read_names(block)]
    assert len(names) == len(set(names))


def test_every_page_is_listed():
    text = (ROOT / "docs" / "reference" / "index.md").read_text(encoding="utf-8")
    pages = {page.stem for page in PAGES} - {"index"}
    assert {name for name in pages if f"({name}.md)" not in text} == set()
    assert {name for name in pages if f"\n{name}\n" not in text} == set()


def test_every_command_stands_in_the_reference():
    from mlelogit.cli import COMMANDS

    text = (ROOT / "docs" / "reference" / "command_line.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\.\. command-line:: (\w+)$", text, re.MULTILINE)) == set(COMMANDS)


def test_a_link_that_leads_nowhere_is_seen():
    assert EXTENSION.find_homes("Do it.\n\nSee `mlelogit.a.b` and\n`mlelogit.c`.") == [
        "mlelogit.a.b",
        "mlelogit.c",
    ]
    assert EXTENSION.find_homes("See for yourself. `mlelogit.a` is no home.") == []


def test_errors_of_helpers_are_seen():
    from mlelogit.inference.testing.equations import equality_tests
    from mlelogit.saving.files import is_saved

    # From a helper of the module, and from a check of another.
    assert list_told(equality_tests, set()) >= {"OptionError", "UnusedCovarianceWarning"}
    # It catches what its helpers raise.
    assert list_told(is_saved, set()) == set()


def test_a_parameter_that_is_not_told_is_seen():
    def add(one, two):
        """Add up.

        Parameters
        ----------
        one : int
        """
        return one + two

    codes = {code for code, _ in validation.validate(validation.get_doc_object(add))["errors"]}
    assert {"PR01", "RT01", "EX01"} <= codes
