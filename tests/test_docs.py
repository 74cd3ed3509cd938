"""The documents: links, commands, paths, tables and examples agree with the code."""

from __future__ import annotations

import re
import shlex
import typing
from pathlib import Path
from typing import Any

import pytest
import typer

from mrcl_bench import errors
from mrcl_bench.catalog import Catalog, load_catalog
from mrcl_bench.cli.main import app
from mrcl_bench.data.locate import known_ids
from mrcl_bench.record import Failure, Record

ROOT = Path(__file__).resolve().parent.parent
DOCS = sorted(
    path
    for path in (
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "checkpoints/README.md",
        *(ROOT / "docs").glob("*.md"),
    )
    if path.exists()
)
_FENCE = re.compile(r"^(```+|~~~+).*?\n(.*?)^\1[ \t]*$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:^(?: {4}|\t).*\n)+", re.MULTILINE)
_SPAN = re.compile(r"`([^`]+)`")
_ASSIGNMENT = re.compile(r"[A-Z_]+=\S*")
_EXAMPLE = re.compile(r"^`(my_[^`]+\.py)`:\n\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PATH = re.compile(r"(?:mm_configs|mrcl_bench|tests|tools|docs)(?:/[\w.\-]+)*/?")

by_document = pytest.mark.parametrize(
    "document", DOCS, ids=lambda path: path.relative_to(ROOT).as_posix()
)


def prose(text: str) -> str:
    """Returns a document without its fenced blocks."""
    return _FENCE.sub("", text)


def code_spans(text: str) -> list[str]:
    """Returns the inline code of a document, in one line each."""
    return [re.sub(r"\s+", " ", span) for span in _SPAN.findall(prose(text))]


def code_lines(text: str) -> list[str]:
    """Returns the lines of fenced and indented blocks and the inline code."""
    blocks = [match[2] for match in _FENCE.finditer(text)]
    blocks += _INDENTED.findall(prose(text))
    lines = [
        line.strip().removeprefix("$ ")
        for block in blocks
        for line in re.sub(r"\\\n\s*", " ", block).splitlines()
    ]
    return lines + code_spans(text)


def commands(text: str, program: str) -> list[list[str]]:
    """Returns the arguments of every call of a program that a document shows."""
    found = []
    for line in code_lines(text):
        if program not in line:
            continue
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            continue  # prose with an apostrophe, or Python
        for call in _calls(words):
            while call and _ASSIGNMENT.fullmatch(call[0]):
                call = call[1:]
            if call and call[0].rpartition("/")[2] == program and "…" not in call:
                found.append(call[1:])
    return found


def _calls(words: list[str]) -> list[list[str]]:
    """Cuts a line where the shell would."""
    calls: list[list[str]] = [[]]
    for word in words:
        if word in ("&&", "||", "|", ";", ">", "2>"):
            calls.append([])
        elif word.endswith(";"):
            calls[-1].append(word[:-1])
            calls.append([])
        else:
            calls[-1].append(word)
    return calls


def parse(arguments: list[str]) -> None:
    """Parses a command line as the program would, and runs nothing."""
    command: Any = typer.main.get_command(app)
    parent, rest = None, list(arguments)
    while hasattr(command, "commands"):
        if not rest or rest[0] in ("--help", "--version"):
            return
        assert rest[0] in command.commands, f"no command '{rest[0]}'"
        parent = command.make_context("mrcl-bench", [], parent=parent, resilient_parsing=True)
        command = command.commands[rest.pop(0)]
    bare = not rest and any(p.required for p in command.params)  # a command's name, in prose
    if "--help" not in rest and not bare:
        command.make_context("mrcl-bench", rest, parent=parent)


def table_rows(text: str, columns: int) -> list[list[str]]:
    """Returns the body rows of all tables with so many columns."""
    rows = [line.strip().strip("|").split("|") for line in text.splitlines() if line[:1] == "|"]
    cells = [[cell.strip() for cell in row] for row in rows if len(row) == columns]
    return [row for row in cells if not set("".join(row)) <= set("-: ")]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@by_document
def test_relative_links_resolve(document: Path) -> None:
    text = prose(document.read_text(encoding="utf-8"))
    targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r"(?:src|href)=\"([^\"]+)\"", text)
    missing = [
        target
        for target in targets
        if not re.match(r"[a-z]+:|#", target)
        and not (document.parent / target.partition("#")[0]).exists()
    ]
    assert not missing


@by_document
def test_commands_parse(document: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROFILE", raising=False)
    for arguments in commands(document.read_text(encoding="utf-8"), "mrcl-bench"):
        try:
            parse(arguments)
        except Exception as error:
            pytest.fail(f"mrcl-bench {shlex.join(arguments)}: {type(error).__name__}: {error}")


def test_commands_are_found_and_wrong_ones_noticed() -> None:
    text = "Type `PROFILE=x mrcl-bench\nplan --nope`.\n\n    $ .venv/bin/mrcl-bench ls | less\n"
    assert commands(text, "mrcl-bench") == [["ls"], ["plan", "--nope"]]
    parse(["ls"])
    for wrong in (["plan", "--nope"], ["plan", "--profile", "huge"], ["planet"], ["eval", "x"]):
        with pytest.raises(Exception, match=r".+"):
            parse(wrong)


@by_document
def test_make_targets_exist(document: Path) -> None:
    known = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    for arguments in commands(document.read_text(encoding="utf-8"), "make"):
        targets = {word for word in arguments if "=" not in word and word[:1] != "-"}
        assert targets <= known, arguments


@by_document
def test_named_files_exist(document: Path) -> None:
    spans = code_spans(document.read_text(encoding="utf-8"))
    named = {span for span in spans if _PATH.fullmatch(span)}
    assert not sorted(name for name in named if not (ROOT / name).exists())


def test_contributing_names_only_what_exists() -> None:
    spans = {
        span for span in code_spans(read("CONTRIBUTING.md")) if re.fullmatch(r"[\w./\-]+", span)
    }
    paths = {span for span in spans if "/" in span and not span.startswith(".venv")}
    assert len(paths) > 20
    assert not sorted(path for path in paths if not (ROOT / path).exists())


def test_protocols_are_those_of_the_configs() -> None:
    rows = {row[0].strip("`"): row[1:] for row in table_rows(read("docs/protocols.md"), 5)[1:]}
    shipped = {
        name: [
            ", ".join(p for p in ("tiny", "small") if p in protocol.profiles),
            protocol.data,
            str(protocol.seeds),
            protocol.main_metric,
        ]
        for name, protocol in load_catalog().protocols.items()
        if {"tiny", "small"} & set(protocol.profiles)
    }
    assert rows == shipped


def test_record_fields_are_described() -> None:
    text = read("docs/records.md")
    described: set[str] = set()
    for field, _ in table_rows(text, 2):
        described |= set(_SPAN.findall(field))
    assert described == set(Record.model_fields)
    for kind in typing.get_args(Failure.model_fields["kind"].annotation):
        assert f"`{kind}`" in text
    for field in Record.model_fields.values():
        for part in typing.get_args(field.annotation) or (field.annotation,):
            for name in getattr(part, "model_fields", {}):
                assert f"`{name}`" in text, name


def test_exit_codes_are_described() -> None:
    codes = {code for code, _ in table_rows(read("docs/records.md"), 2) if code.isdecimal()}
    values = {value for name, value in vars(errors).items() if name.startswith("EXIT_")}
    assert codes == {"0", *map(str, values)}


def test_data_sets_are_described() -> None:
    text = read("docs/data.md")
    for data_id in known_ids():
        assert data_id.replace("<folder>", "NAME") in text


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """The files of docs/scale.md, written where the document puts them."""
    (tmp_path / "mm_configs").symlink_to(ROOT / "mm_configs")
    for name, content in _EXAMPLE.findall(read("docs/scale.md")):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    return tmp_path


def test_examples_enter_the_catalog(examples: Path) -> None:
    names = {path.stem for path in (examples / "my_configs").glob("*.py")}
    assert len(names) == 4
    catalog = Catalog(ROOT / "mm_configs", examples / "my_configs")
    assert names <= {*catalog.recipes, *catalog.protocols}
    labels = {recipe.backbone for recipe in catalog.recipes.values()}
    assert all(catalog.protocols[n].backbone in labels for n in names if n in catalog.protocols)


def test_examples_are_sound_configs(examples: Path) -> None:
    pytest.importorskip("mmengine")
    from mrcl_bench.config_keys import check_keys
    from mrcl_bench.resolve import load_config

    catalog = Catalog(examples / "my_configs")
    specs = {**catalog.recipes, **catalog.protocols}
    for path in (examples / "my_configs").glob("*.py"):
        config = load_config(path)
        check_keys(config, specs[path.stem])
        assert config.model.backbone.type
        assert config.train_dataloader.dataset.data_root.startswith("data/")
    for path in examples.glob("my_*.py"):
        compile(path.read_text(), path.name, "exec")


def test_every_test_that_faults_name_exists() -> None:
    """The table says which test holds each protection; none may have gone."""
    for document in sorted((ROOT / "docs").glob("faults*.md")):
        rows = [line for line in document.read_text().splitlines() if line.startswith("| ")]
        named = [
            (file, name)
            for row in rows
            for part in row.split("`tests/")[1:]
            for file in [part.partition("`")[0]]
            for name in re.findall(r"`(test_\w+)`", part)
        ]
        assert len(named) >= 10, document.name
        for file, name in named:
            assert f"def {name}(" in (ROOT / "tests" / file).read_text(), (file, name)
