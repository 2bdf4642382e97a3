"""What tests have workers do, some of which ends badly."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import numpy as np
import pandas as pd

from mlelogit.data.frames import as_numbers
from mlelogit.exceptions import WeightError


def total(frame: pd.DataFrame) -> np.ndarray:
    """Return sums whose last bits depend on the order of the additions."""
    values = np.asarray(as_numbers(frame["x"], "x"), dtype=np.float64)
    return np.array([len(values), np.sum(values), np.sum(np.exp(values))])


@dataclass(frozen=True)
class Waiting:
    """Sums, but whoever comes first writes its process into a file and waits to be killed."""

    path: str
    seconds: float = 60.0

    def __call__(self, frame):
        try:
            with Path(self.path).open("x", encoding="utf-8") as file:
                file.write(str(os.getpid()))
        except FileExistsError:
            return total(frame)
        end = time.monotonic() + self.seconds
        while time.monotonic() < end and not Path(self.path + ".go").exists():
            time.sleep(0.02)
        return total(frame)


@dataclass(frozen=True)
class Counted:
    """Sums that leave a file behind for each frame."""

    folder: str

    def __call__(self, frame):
        Path(self.folder, f"{frame['x'].iloc[0]!r}").touch()
        return total(frame)


def die(_: pd.DataFrame) -> None:
    """End the process."""
    os._exit(1)


def refuse_one(frame: pd.DataFrame) -> int:
    """Find something wrong where x is 50."""
    if (frame["x"] == 50).any():
        raise WeightError("Something is wrong with x.")
    return len(frame)


def break_down(frame: pd.DataFrame) -> None:
    """Be wrong."""
    raise ZeroDivisionError("a mistake of the package")


class Heavy:
    """A function with much to carry; a file appears in a folder whenever it arrives."""

    def __init__(self, values, folder):
        self.values, self.folder = values, folder

    def __setstate__(self, state):
        self.__dict__.update(state)
        Path(self.folder, uuid4().hex).touch()

    def __call__(self, frame):
        return np.array([len(frame), float(self.values.sum())])


@dataclass(frozen=True)
class Loader:
    """Gives a partition; once, in the third pass, it names its process and waits for the end."""

    frame: pd.DataFrame
    folder: str

    def __call__(self, number):
        if number == 3:
            loads = len(list(Path(self.folder).glob("load*")))
            Path(self.folder, f"load{loads}").touch()
            if loads == 3:
                part = Path(self.folder, "part")
                part.write_text(str(os.getpid()))
                part.rename(Path(self.folder, "process"))
                time.sleep(60)
        return self.frame.iloc[80 * number : 80 * (number + 1)]
