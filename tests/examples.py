"""What examples import, known from their syntax, and what they change."""

import ast
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec


def list_imports(code: str) -> set[str]:
    """Return the names of the packages that code imports, wherever the import stands."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def list_bound(code: str) -> set[str]:
    """Return the names that the imports of code set."""
    nodes = ast.walk(ast.parse(code))
    found = (node.names for node in nodes if isinstance(node, ast.Import | ast.ImportFrom))
    return {alias.asname or alias.name.split(".")[0] for names in found for alias in names}


def keep_runnable(blocks: Iterable[str], absent: set[str]) -> tuple[list[int], list[int]]:
    """Return which blocks of code can run where packages are absent, and which cannot.

    A block cannot if it imports one of them, or reads a name that such a block was to set. What
    it was to import for the second time is there from the first.
    """
    kept: list[int] = []
    left: list[int] = []
    lost: set[str] = set()
    imported: set[str] = set()
    for place, code in enumerate(blocks):
        names = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)]
        written = {node.id for node in names if not isinstance(node.ctx, ast.Load)}
        read = {node.id for node in names if isinstance(node.ctx, ast.Load)} - written
        if list_imports(code) & absent or read & lost:
            left.append(place)
            lost |= written | list_bound(code) - imported
        else:
            kept.append(place)
            lost -= written | list_bound(code)
            imported |= list_bound(code)
    return kept, left


@contextmanager
def restore_torch() -> Iterator[None]:
    """Give PyTorch back its threads and its random numbers, where it is installed."""
    if not find_spec("torch"):
        yield
        return
    import torch

    threads, state = torch.get_num_threads(), torch.get_rng_state()
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_rng_state(state)
