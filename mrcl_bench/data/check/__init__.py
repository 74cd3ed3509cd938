"""Reads a whole public data set once and lists everything that is wrong with it."""

from .check import SETS, check
from .findings import Finding, Report

__all__ = ["SETS", "Finding", "Report", "check"]
