"""How values that JSON has no form for are written: each kind by a function, and read by another.

A writer or a reader that cannot do it raises whatever its libraries do; `mlelogit.saving.values`
says of which value.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

# Python reads and writes more digits than this in quadratic time.
MOST_DIGITS = 1000
WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
SCALARS = tuple(np.dtype(char).type for char in "?bhilqBHILQefd")
UNITS = ("s", "ms", "us", "ns")


@dataclass(frozen=True)
class Kind:
    """The types that are written in one way, and how they are written and read."""

    types: tuple[type, ...]
    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


def encode_float(value: float) -> float | str:
    """Return a float as JSON: a number, or "NaN", "Infinity" or "-Infinity"."""
    value = float(value)
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def need(made: Any, kind: type) -> Any:
    """Return what is of a type, or raise ValueError."""
    if type(made) is not kind:
        raise ValueError(f"no {kind.__name__}")
    return made


def _write_whole(value: int) -> str:
    if abs(value) >= 10 ** (MOST_DIGITS - 1):
        raise ValueError(f"more than {MOST_DIGITS} digits")
    return str(value)


def _read_whole(made: Any) -> int:
    if len(need(made, str)) > MOST_DIGITS:
        raise ValueError(f"more than {MOST_DIGITS} digits")
    return int(made)


def _write_scalar(value: np.generic) -> list:
    plain = value.item()
    written = encode_float(plain) if type(plain) is float else plain
    return [value.dtype.str[1:], str(plain) if type(plain) is int else written]


def _read_scalar(made: Any) -> Any:
    dtype, value = np.dtype(need(made[0], str)), made[1]
    if dtype.type not in SCALARS or len(made) != 2:
        raise ValueError("no scalar")
    if dtype.kind == "b":
        return dtype.type(need(value, bool))
    if dtype.kind != "f":
        return dtype.type(_read_whole(value))
    plain = WORDS[value] if isinstance(value, str) else need(value, float)
    found = dtype.type(plain)
    if math.isfinite(plain) and float(found) != plain:
        raise ValueError(f"no {dtype}")
    return found


def _write_array(value: np.ndarray) -> dict:
    if value.dtype != np.float64:
        raise ValueError(f"an array of {value.dtype}")
    return {"shape": list(value.shape), "numbers": [encode_float(x) for x in value.ravel()]}


def _read_array(made: Any) -> np.ndarray:
    numbers = [WORDS[x] if isinstance(x, str) else need(x, float) for x in made["numbers"]]
    shape = [need(size, int) for size in made["shape"]]
    if math.prod(shape) != len(numbers) or min(shape, default=0) < 0 or len(made) != 2:
        raise ValueError("another shape")
    return np.array(numbers, dtype=np.float64).reshape(shape)


def _write_zone(zone: Any) -> str | float | None:
    if zone is None or type(zone) is ZoneInfo:
        return None if zone is None else str(zone.key)
    offset = need(zone, timezone).utcoffset(None)
    return float(offset.total_seconds())


def _read_zone(made: Any) -> Any:
    if made is None:
        return None
    return ZoneInfo(made) if type(made) is str else timezone(timedelta(seconds=need(made, float)))


def _write_moment(value: datetime) -> dict:
    plain = value.replace(tzinfo=None, fold=0).isoformat()
    return {"time": plain, "zone": _write_zone(value.tzinfo), "fold": value.fold}


def _read_moment(made: Any) -> datetime:
    plain = datetime.fromisoformat(made["time"])
    return plain.replace(tzinfo=_read_zone(made["zone"]), fold=need(made["fold"], int))


def _write_count(value: Any) -> dict:
    return {"count": str(value.asm8.view("i8")), "unit": value.unit}


def _write_stamp(value: pd.Timestamp) -> dict:
    # Pandas 2 has zones of pytz; the name is enough, for the count says which instant it is.
    named = getattr(value.tzinfo, "zone", None)
    return {**_write_count(value), "zone": named or _write_zone(value.tzinfo)}


def _read_stamp(made: Any) -> pd.Timestamp:
    zone = _read_zone(made["zone"])
    stamp: Any = pd.Timestamp(_read_count(made, "M8"))
    return stamp if zone is None else stamp.tz_localize("UTC").tz_convert(zone)


def _read_count(made: Any, kind: str) -> Any:
    if made["unit"] not in UNITS:
        raise ValueError("another unit")
    return np.int64(_read_whole(made["count"])).view(f"{kind}[{made['unit']}]")


def _read_text(make: Callable[[str], Any]) -> Callable[[Any], Any]:
    return lambda made: make(need(made, str))


def _read_nothing(value: Any) -> Callable[[Any], Any]:
    def read(made: Any) -> Any:
        if made is not None:
            raise ValueError("another value")
        return value

    return read


LEAVES = {
    "int": Kind((int,), _write_whole, _read_whole),
    "float": Kind((float,), encode_float, lambda made: WORDS[made]),
    "numpy": Kind(SCALARS, _write_scalar, _read_scalar),
    "array": Kind((np.ndarray,), _write_array, _read_array),
    "bytes": Kind((bytes,), bytes.hex, _read_text(bytes.fromhex)),
    "Decimal": Kind((Decimal,), str, _read_text(Decimal)),
    "UUID": Kind((UUID,), str, _read_text(UUID)),
    "date": Kind((date,), date.isoformat, _read_text(date.fromisoformat)),
    "time": Kind((time,), time.isoformat, _read_text(time.fromisoformat)),
    "datetime": Kind((datetime,), _write_moment, _read_moment),
    "timedelta": Kind(
        (timedelta,),
        lambda value: [value.days, value.seconds, value.microseconds],
        lambda made: timedelta(*(need(part, int) for part in made)),
    ),
    "Timestamp": Kind((pd.Timestamp,), _write_stamp, _read_stamp),
    "Timedelta": Kind(
        (pd.Timedelta,), _write_count, lambda made: pd.Timedelta(_read_count(made, "m8"))
    ),
    "Period": Kind(
        (pd.Period,),
        lambda value: [value.freqstr, value.ordinal],
        lambda made: pd.Period(ordinal=need(made[1], int), freq=need(made[0], str)),
    ),
    "NA": Kind((type(pd.NA),), lambda _: None, _read_nothing(pd.NA)),
    "NaT": Kind((type(pd.NaT),), lambda _: None, _read_nothing(pd.NaT)),
}
