"""The command line: what `mlelogit` is told, does, prints and exits with."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from mlelogit.exceptions import (
    DataNotKeptError,
    MNLogitError,
    MNLogitWarning,
    OptionError,
    OutputFileError,
)
from mlelogit.terminal.commands import make_parser
from mlelogit.terminal.options import PIPE, read_size

# Imported when they are asked for, so that --help does not wait for pandas.
COMMANDS = {
    "demo": "fits",
    "fit": "fits",
    "verify": "fits",
    "report": "fits",
    "compare": "comparing",
    "predict": "predicting",
    "margins": "predicting",
    "tests": "testing",
    "convert": "converting",
}
# Letters of a message: a formula that is quoted in it can be as long as a page.
LONGEST_LINE = 4000
# What messages advise to do in Python -> the option that does it.
REMEDIES = {
    "allow_memory(": "--memory SIZE",
    ".astype('category')": "--many-categories",
    "say so: outcome='labels'": "--many-categories",
    "say its format, ": "--input-format FORMAT",
    "separator=';'": "--separator semicolon, maybe with --decimal comma",
    "separator='|'": "--separator bar",
    "separator=','": "--separator comma",
    "separator='\\t'": "--separator tab",
    "(bias_reduction='mean')": "--bias-reduction mean",
    "missing='drop'": "--missing drop",
    "missing='propagate'": "--propagate",
    "(stream=True)": "--stream yes",
    "need weight_type": "--weight-type TYPE",
    "needs groups=": "--cov-option groups=COLUMN",
    "decimal=',' that": "--decimal comma, or --decimal point",
}
NO, WRONG, BROKEN, INTERRUPTED = 1, 2, 3, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; those of the process if not given.

    Returns
    -------
    int
        0; 1 if the answer is "no" (a fit did not converge, an engine disagrees); 2 after an error;
        3 after one of this program; 130 after an interruption.
    """
    _stop_as_interrupted()
    arguments = make_parser().parse_args(argv)
    arguments.words = sys.argv[1:] if argv is None else list(argv)
    try:
        _check_targets(arguments)
        return 0 if _run(arguments) else NO
    except (MNLogitError, OSError, MemoryError) as error:
        return _fail(error, arguments)
    except KeyboardInterrupt:
        print("mlelogit: interrupted", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - a traceback, and a status that says whose fault
        traceback.print_exc()
        print(f"mlelogit: internal error: {type(error).__name__}: please report", file=sys.stderr)
        return BROKEN


def _stop_as_interrupted() -> None:
    """Let what asks the process to end do what an interruption does, and leave nothing."""
    usual = threading.current_thread() is threading.main_thread()
    if usual and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def find_command(name: str) -> Callable[[argparse.Namespace], Any]:
    """Return the function that runs a command."""
    module = importlib.import_module(f"mlelogit.terminal.{COMMANDS[name]}")
    command: Callable[[argparse.Namespace], Any] = getattr(module, f"run_{name}")
    return command


def _run(arguments: argparse.Namespace) -> bool:
    """Run a command and write its answer; return whether that holds."""
    heard: list[dict[str, str]] = []
    with _raise_limits(arguments), warnings.catch_warnings():
        warnings.simplefilter("always", MNLogitWarning)
        warnings.showwarning = partial(_show_warning, heard)
        answer = find_command(arguments.command)(arguments)
        with _save(answer.save, arguments):
            _write(answer.written, arguments, heard)
    return bool(answer.holds)


@contextmanager
def _save(save: Callable[[Any], Any] | None, arguments: argparse.Namespace) -> Iterator[None]:
    """Save a fit before an answer is printed; where that is a file too, both or none are there."""
    if save is None or arguments.output is None:
        if save is not None:
            save(arguments.save)
        yield
        return
    from mlelogit.data.files.paths import write_later

    with write_later(arguments.save) as path:
        save(path)
        yield


@contextmanager
def _raise_limits(arguments: argparse.Namespace) -> Iterator[None]:
    """Raise the limits that are asked to be raised."""
    with ExitStack() as raised:
        if getattr(arguments, "memory", None) is not None:
            from mlelogit.data.limits import allow_memory

            raised.enter_context(allow_memory(read_size(arguments.memory)))
        if getattr(arguments, "many_categories", False):
            from mlelogit.data.limits import allow_categories

            raised.enter_context(allow_categories())
        yield


def _check_targets(arguments: argparse.Namespace) -> None:
    """Raise before the work if nothing can be written, or data would be written over."""
    if getattr(arguments, "output", None) == PIPE:
        arguments.output = None
    names = [getattr(arguments, name, None) for name in ("output", "checkpoint", "save", "target")]
    written = [name for name in names if name is not None and name != PIPE]
    if not written:
        return
    from mlelogit.data.files.paths import check_target

    targets = [check_target(path) for path in written]
    if len(set(targets)) < len(targets):
        raise OutputFileError(f"{written[-1]!r} is to be written twice; give two files.")
    for source in _list_sources(arguments):
        for target in targets:
            if source.exists() and target.is_file() and target.samefile(source):
                raise OutputFileError(
                    f"{str(source)!r} is read by this command; give another file to write."
                )


def _list_sources(arguments: argparse.Namespace) -> list[Path]:
    """Return the files that a command reads."""
    from mlelogit.terminal.inputs import is_there, list_inputs

    given = [getattr(arguments, name, None) for name in ("data", "rows", "newdata")]
    given += [one for one in getattr(arguments, "sources", [])[1:] if is_there(one)]
    given += getattr(arguments, "sources", [])[:1]
    return [Path(file) for one in given if one is not None for file in list_inputs(one)]


def _fail(error: Exception, arguments: argparse.Namespace) -> int:
    if isinstance(error, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    message = _shorten(str(error))
    said = []
    if isinstance(error, DataNotKeptError):
        new = isinstance(getattr(arguments, "newdata", PIPE), type(None))
        said.append("--data TABLE" + (", or --newdata TABLE" if new else ""))
    if isinstance(error, MemoryError) and hasattr(arguments, "rows"):
        message = f"Not enough memory. {message}"
        said.append("--stream yes reads in pieces, --threads 1 takes fewer rows at a time")
    message = _add_remedies(message, said)
    print(f"mlelogit: {type(error).__name__}: {message}", file=sys.stderr)
    return WRONG


def _add_remedies(message: str, more: Sequence[str] = ()) -> str:
    """Add the options that do what a message advises to do in Python."""
    said = [*(how for sign, how in REMEDIES.items() if sign in message), *more]
    return f"{message} On the command line: {'; '.join(said)}." if said else message


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}..."


def _show_warning(
    heard: list[dict[str, str]], message: Warning | str, category: type[Warning], *_: Any, **__: Any
) -> None:
    text = _add_remedies(_shorten(str(message)))
    heard.append({"category": category.__name__, "message": text})
    print(f"mlelogit: {category.__name__}: {text}", file=sys.stderr)


def _write(written: Any, arguments: argparse.Namespace, heard: list[dict[str, str]]) -> None:
    """Print, or write a file as a whole or not at all; a device or pipe is written to."""
    if isinstance(written, dict):
        written = _write_json(written, arguments.command, heard)
    parts = [written.removesuffix("\n"), "\n"] if isinstance(written, str) else written
    path = getattr(arguments, "output", None)
    if path is not None:
        from mlelogit.data.files.paths import write_whole

        write_whole(parts, path)
    elif isinstance(parts, bytes):
        _print_bytes(parts)
    else:
        for part in parts:
            if isinstance(part, bytes):
                _print_bytes(part)
            else:
                _print(part)
    aside = getattr(arguments, "aside", None)
    if aside is not None:
        _print(f"{_write_json(aside, arguments.command, heard)}\n")
    if sys.stdout is not None:
        sys.stdout.flush()


def _write_json(content: dict[str, Any], command: str, heard: list[dict[str, str]]) -> str:
    from mlelogit.terminal.answers import write_json

    return write_json({"command": command, **content, "warnings": heard})


def _print(text: str) -> None:
    if sys.stdout is None:
        raise OutputFileError("Standard output is closed; write a file by -o.")
    try:
        print(text, end="")
    except UnicodeEncodeError as error:
        raise OutputFileError(
            f"Standard output, in {sys.stdout.encoding}, cannot show {error.object[error.start]!r};"
            " write a file by -o, or set PYTHONIOENCODING=utf-8."
        ) from error


def _print_bytes(content: bytes) -> None:
    stream = getattr(sys.stdout, "buffer", None)
    if stream is None or sys.stdout.isatty():
        raise OptionError("This format is not for a terminal; give a file by -o.")
    stream.write(content)
