"""What callers of the API are told: never what only a shell can do."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import lunarscale
from lunarscale.service.problems import worded

#: What steps that jobs run are made of; beside them whatever reads what they are given.
SAYING = (
    "engine", "store", "models", "readers", "reduce", "grid", "urls", "stations", "bands.py",
    "steps/ingest.py", "steps/predict.py", "steps/overview.py", "steps/summarise.py",
    "steps/export.py", "steps/opening.py",
)  # fmt: skip

#: What no caller of the API can do anything with.
SHELL = re.compile(
    r"(?<![\w-])--[a-z]|\bcommand\b|`lunarscale (?!calibrate`)", re.IGNORECASE
)  # fmt: skip


def sentences(file: Path) -> Iterator[str]:
    """Every text of a file that is no docstring; what is filled in reads X."""
    text = file.read_text()
    if not SHELL.search(text):
        return
    tree = ast.parse(text)
    inner = {
        id(part)
        for node in ast.walk(tree)
        for part in (
            node.values if isinstance(node, ast.JoinedStr)
            else [node.value] if isinstance(node, ast.Expr)
            else []
        )
    }  # fmt: skip
    for node in ast.walk(tree):
        if id(node) in inner:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else "X" for part in node.values)
            yield "".join(map(str, parts))


def files() -> Iterator[Path]:
    """The files of ``SAYING``."""
    root = Path(lunarscale.__file__).parent
    for name in SAYING:
        yield from [root / name] if name.endswith(".py") else sorted((root / name).rglob("*.py"))


def test_no_sentence_of_a_step_speaks_of_the_command_line() -> None:
    said = {
        sentence
        for file in files()
        for sentence in sentences(file)
        if " " in sentence and SHELL.search(sentence)
    }
    assert len(said) > 30
    assert [sentence for sentence in said if SHELL.search(worded(sentence))] == []


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        (
            "/data/a.zarr: this store was made with shard 64 but 128 is asked for; name another "
            "--out, or --overwrite to start afresh",
            "a.zarr: this store was made with shard 64 but 128 is asked for; name another `output`",
        ),
        (
            "give the same --mare and --by, name another --out, or --overwrite to start afresh",
            "give the same `maria` and `by`, or name another `output`",
        ),
        (
            "needs 5.2 GB but has 4.0 GB; use a smaller --shard, fewer --threads or fewer, larger "
            "workers (--workers, --memory-limit)",
            "needs 5.2 GB but has 4.0 GB; use a smaller shard, or ask who runs the service for "
            "larger workers",
        ),
        (
            "its checksum are others; `lunarscale validate --deep` the store, run the command that "
            "made it again, then this one",
            "its checksum are others; ask who runs the service to validate the store",
        ),
        (
            "what is stored is kept, run the same command again",
            "what is stored is kept, try again",
        ),
        ("FeO--2, a-b--c and 1--2 are no options", "FeO--2, a-b--c and 1--2 are no options"),
    ],
)
def test_what_is_told_instead(sentence: str, told: str) -> None:
    assert worded(sentence, "/data") == told
