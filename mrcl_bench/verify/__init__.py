"""Checks a results folder against itself: records, side files, kept configs and tables."""

from .verify import Verified, verify

__all__ = ["Verified", "verify"]
