"""Give a table as text, and write it to a file too if one is named."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mlelogit.data.arguments import write_value
from mlelogit.data.files.paths import write_whole
from mlelogit.exceptions import OutputFileError

# What the names of files end in; the first is shown in messages.
ENDINGS = {
    "text": (".txt", ".text", ".log", ".out"),
    "html": (".html", ".htm", ".xhtml"),
    "latex": (".tex", ".ltx", ".latex"),
    "markdown": (".md", ".markdown", ".qmd", ".rmd"),
}


def write_out(text: str, path: Any, form: str) -> str:
    r"""Return a text as it is; if a path is given, write it there first, whole or not at all.

    Parameters
    ----------
    text : str
    path : str or os.PathLike, optional
        Its name must end as files of the format do, so that nothing else that is given first,
        such as a label, becomes a file.
    form : str
        One of `ENDINGS`.

    Raises
    ------
    OutputFileError
        If the name ends in something else, or the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from mlelogit.display.writing import write_out
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     text = write_out("a & b", f"{folder}/table.tex", "latex")
    ...     Path(f"{folder}/table.tex").read_text()
    'a & b\n'
    """
    if path is None:
        return text
    endings = ENDINGS[form]
    if not isinstance(path, str | os.PathLike) or Path(path).suffix.lower() not in endings:
        label = " A label is given by name: label='tab:one'." if form == "latex" else ""
        raise OutputFileError(
            f"as_{form} writes the file that it is given, whose name must end in "
            f"{' or '.join(endings)}, and it is given {write_value(path)}.{label} Without a file "
            "it returns the text."
        )
    write_whole(text if text.endswith("\n") else f"{text}\n", path)
    return text
