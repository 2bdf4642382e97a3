"""Fits as files: JSON that anybody can read, and nothing that runs."""

from __future__ import annotations

from mlelogit.saving.files import is_saved

__all__ = ["is_saved"]
