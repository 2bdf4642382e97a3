"""Keep how far a climb has come in a file, so that it can go on after an interruption."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mlelogit.data.files.paths import check_target, write_whole
from mlelogit.exceptions import CheckpointError, OutputFileError

_FORMAT = "mlelogit checkpoint 1"
# Longer parts, such as a list of a thousand files, are told apart by their digest.
_LONGEST = 200


class Checkpoint:
    """The parameters after the last pass over the rows, in a file.

    Attributes
    ----------
    path : pathlib.Path
    params : numpy.ndarray or None
        (P,): in the design's own columns; None before the first pass.
    passes : int
        How many passes led there.
    """

    def __init__(
        self, path: Path, fingerprint: dict[str, str], params: np.ndarray | None, passes: int
    ) -> None:
        self.path = path
        self.params = params
        self.passes = passes
        self._fingerprint = fingerprint

    def save(self, params: np.ndarray, passes: int) -> None:
        """Write the parameters after a pass; they replace those before as a whole or not at all.

        Parameters
        ----------
        params : numpy.ndarray
            (P,); those that are not finite lead nowhere, and what was saved before stays.
        passes : int

        Raises
        ------
        OutputFileError
            If the file cannot be written.
        """
        values = np.array(params, dtype=np.float64).ravel()
        if not np.isfinite(values).all():
            return
        self.params, self.passes = values, int(passes)
        self._write()

    def close(self) -> None:
        """Remove the file: the fit has ended well and nothing is left to go on with."""
        self.path.unlink(missing_ok=True)

    def _write(self) -> None:
        content = {
            "format": _FORMAT,
            "fingerprint": self._fingerprint,
            "passes": self.passes,
            "params": None if self.params is None else self.params.tolist(),
        }
        content["digest"] = _digest(content)
        write_whole(json.dumps(content, indent=1), self.path)


def open_checkpoint(path: Any, fingerprint: Mapping[str, Any]) -> Checkpoint:
    """Return what a file says of a fit that was interrupted, or start such a file.

    It is written at once, so that a place that cannot be written to is known before the first
    pass and not after it.

    Parameters
    ----------
    path : str or os.PathLike
    fingerprint : mapping of str to str
        What is fitted to what: "formula" -> its text, "data" -> `Pieces.fingerprint`, ...

    Raises
    ------
    CheckpointError
        If the file is damaged, something else than a checkpoint, or of another fit.
    OutputFileError
        If it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from mlelogit.fitting.checkpoint import open_checkpoint
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     first = open_checkpoint(f"{folder}/fit.ckpt", {"formula": "y ~ x"})
    ...     first.save(np.array([0.1, -0.2]), 3)
    ...     again = open_checkpoint(f"{folder}/fit.ckpt", {"formula": "y ~ x"})
    ...     again.close()
    >>> again.passes, again.params
    (3, array([ 0.1, -0.2]))
    """
    target = check_target(path)
    if target.exists() and not target.is_file():
        raise OutputFileError(f"{str(path)!r} is no plain file, which a checkpoint must be.")
    said = {str(name): _shorten(value) for name, value in fingerprint.items()}
    checkpoint = _read(target, said) if target.exists() else Checkpoint(target, said, None, 0)
    checkpoint._write()
    return checkpoint


def _read(path: Path, fingerprint: dict[str, str]) -> Checkpoint:
    advice = "delete it or give another path"
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise CheckpointError(f"{str(path)!r} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{str(path)!r} is no checkpoint, or damaged; {advice}.") from error
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise CheckpointError(
            f"{str(path)!r} is no checkpoint of this version of the package; {advice}."
        )
    digest = content.pop("digest", None)
    if digest != _digest(content):
        raise CheckpointError(f"{str(path)!r} is damaged, or was changed by hand; {advice}.")
    before = content["fingerprint"]
    other = [
        name for name in {**before, **fingerprint} if before.get(name) != fingerprint.get(name)
    ]
    if other:
        name = other[0]
        raise CheckpointError(
            f"{str(path)!r} belongs to another fit: its {name} was {before.get(name)!r} and is "
            f"{fingerprint.get(name)!r} here; {advice}."
        )
    params = content["params"]
    values = None if params is None else np.array(params, dtype=np.float64)
    return Checkpoint(path, fingerprint, values, content["passes"])


def _shorten(value: Any) -> str:
    text = str(value)
    if len(text) <= _LONGEST:
        return text
    return f"{text[: _LONGEST // 2]}... (sha256 {_hash(text)})"


def _digest(content: dict[str, Any]) -> str:
    return _hash(json.dumps(content, sort_keys=True))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
