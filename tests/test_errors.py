"""Errors say what, where, did you mean, and carry the exit code."""

from __future__ import annotations

from mrcl_bench.errors import EXIT_FAILED, EXIT_USAGE, BenchError, shorten, unknown_name


def test_message_joins_what_and_cure() -> None:
    error = BenchError("it is broken.", "Mend it.")
    assert str(error) == "it is broken. Mend it."
    assert (error.what, error.cure, error.exit_code) == ("it is broken.", "Mend it.", EXIT_FAILED)
    assert str(BenchError("alone.")) == "alone."


def test_unknown_name_suggests_and_lists() -> None:
    error = unknown_name("recipe", "simcrl", ["mrcl", "simclr", "zebra"])
    assert error.exit_code == EXIT_USAGE
    assert "unknown recipe 'simcrl'" in error.what
    assert "Did you mean simclr" in error.cure
    assert "There is: mrcl, simclr, zebra." in error.cure


def test_unknown_name_without_a_near_one() -> None:
    error = unknown_name("recipe", "qqqq", ["mrcl"])
    assert "Did you mean" not in error.cure
    assert unknown_name("recipe", "x", []).cure == "There is none."


def test_unknown_name_shortens_long_lists() -> None:
    cure = unknown_name("recipe", "zzz", [f"recipe{index:03d}" for index in range(50)]).cure
    assert "recipe019 …" in cure
    assert "recipe020" not in cure


def test_long_lists_are_shortened() -> None:
    assert shorten(str(i) for i in range(23)).endswith("18, 19 … and 3 more")
    assert shorten("ab") == "a, b"
