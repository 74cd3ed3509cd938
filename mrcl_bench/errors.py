"""The one exception for a user's mistake, and the exit codes.

Every command catches `BenchError` once, prints it without a traceback and
leaves with the error's exit code; any other exception is a defect of ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

EXIT_FAILED = 1
"""Something asked for could not be done (bad data, a job that failed)."""
EXIT_USAGE = 2
"""The command line, a name or a config key is wrong."""
EXIT_LOCKED = 3
"""Another process works in the same directory."""
EXIT_MEMORY = 71
"""A worker ran out of memory."""
EXIT_DISK = 74
"""A worker found the disk full; what was saved before is intact."""
EXIT_RESUMABLE = 130
"""Interrupted; the same command goes on where it stopped."""
SHOWN_KEYS = 20
"""Error messages name this many keys of a kind and count the rest."""


class BenchError(Exception):
    """A mistake that the user can mend.

    Args:
        what: What is wrong and where, in one sentence.
        cure: What to do or type next.
        exit_code: The process's exit code.
    """

    def __init__(self, what: str, cure: str = "", exit_code: int = EXIT_FAILED) -> None:
        # Messages quote files; half a surrogate in one could not even be printed.
        what, cure = (text.encode("utf-8", "backslashreplace").decode() for text in (what, cure))
        super().__init__(f"{what} {cure}".strip())
        self.what = what
        self.cure = cure
        self.exit_code = exit_code


def shorten(names: Iterable[str]) -> str:
    """Joins names by commas; beyond `SHOWN_KEYS` it gives the number of the rest."""
    listed = list(names)
    more = f" … and {len(listed) - SHOWN_KEYS} more" if len(listed) > SHOWN_KEYS else ""
    return ", ".join(listed[:SHOWN_KEYS]) + more


def unknown_name(kind: str, name: str, known: Iterable[str]) -> BenchError:
    """Builds the error for a name that is not known, with a did-you-mean.

    Args:
        kind: What the name stands for, e.g. ``"recipe"``.
        name: What the user gave.
        known: All valid names.

    Returns:
        An error with exit code `EXIT_USAGE`, to be raised by the caller.
    """
    choices = sorted(set(known))
    near = get_close_matches(name, choices, n=3, cutoff=0.4)
    hint = f"Did you mean {' or '.join(near)}?" if near else ""
    shown = ", ".join(choices[:20]) + (" …" if len(choices) > 20 else "")
    there_is = f"There is: {shown}." if choices else "There is none."
    return BenchError(f"unknown {kind} '{name}'.", f"{hint} {there_is}".strip(), EXIT_USAGE)
