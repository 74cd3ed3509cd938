"""Which records may stand side by side, and what can honestly be said about them.

Reads records only; neither torch nor any mm package is imported.
"""

from .load import Results, load
from .matrix import Apart, Cell, Column, Matrix, State, build
from .stats import Gain, Spread, indistinguishable, spread
from .summary import Summary, gain, summarise

__all__ = [
    "Apart",
    "Cell",
    "Column",
    "Gain",
    "Matrix",
    "Results",
    "Spread",
    "State",
    "Summary",
    "build",
    "gain",
    "indistinguishable",
    "load",
    "spread",
    "summarise",
]
