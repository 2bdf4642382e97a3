"""The version of the package: said here, and read by all else."""

from __future__ import annotations

VERSION = "0.1.0"
