"""The pages for people who come from other programs: what they print there, and that we agree."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest

import mlelogit as ml

PAGES = Path(__file__).parents[1] / "docs" / "tutorials"
# An R block, and the output that stands directly below it.
PAIR = re.compile(r"^```r\n(.*?)^```(?:\n\n```text\n(.*?)^```)?", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?")
PACKAGES = ("nnet", "VGAM", "car", "emmeans", "sandwich", "glmnet")
MARK = "#### end of block"


def load_parties() -> pd.DataFrame:
    """Return the data of the page for people who come from R."""
    anes = ml.datasets.load_anes96(labels=False)
    parties = ["Democrat", "Independent", "Republican"]
    return anes.assign(party=pd.cut(anes["PID"], [-1, 1, 4, 6], labels=parties))


def run_blocks(text: str, folder: Path, extra: str = "") -> list[str]:
    """Run the R blocks of a page in one session, and return what each of them prints.

    What packages say when they are attached, in the first block, is not part of it.
    """
    load_parties().to_csv(folder / "anes96.csv", index=False)
    first, *others = (found[1] for found in PAIR.finditer(text))
    opened = f'{first}\noptions(warn = 1)\nsink(stdout(), type = "message")\n'
    mark = f'\ncat("{MARK}\\n")\n'
    script = folder / "page.R"
    script.write_text(opened + mark + mark.join(others) + mark + extra + mark, encoding="utf-8")
    command = ["Rscript", "--vanilla", "-e", f'source("{script.name}", echo = FALSE)']
    command = ["Rscript", "--vanilla", script.name]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout.split(f"{MARK}\n")[:-1][: len(others) + 1 + bool(extra)]
