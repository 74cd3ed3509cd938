"""The public sets in miniature: their real layout and labels, a few small drawn pictures.

For rehearsals and tests, where a cluster job's way through its data is to be tried before the
data is there. Nothing measured on them means anything.
"""

from .make import MINIATURE, make_miniature

__all__ = ["MINIATURE", "make_miniature"]
