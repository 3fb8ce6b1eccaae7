"""What callers of the API are told: never what only a shell can do."""

import ast
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

import lunarscale
from lunarscale.service.jobs.verbs import VERBS
from lunarscale.service.problems import worded

ROOT = Path(lunarscale.__file__).parent

#: What jobs run begins here. What is said of URLs no job meets, whose stores are folders; of what
#: is said of clusters they are told only what was found, and not what to do.
BEGINNING, NOT_MET = "lunarscale.service.jobs.verbs", ("service", "urls", "clusters")

#: What no caller of the API can do anything with: options, commands, files and workers of another
#: machine. Who sends a model has lunarscale: what that one is to be told stays.
SHELL = re.compile(
    r"(?<![\w-])--[a-z]|\bcommand\b|lunarscale (?!calibrate`)[a-z-]+`|`lunarscale (?!calibrate`)"
    r"|lunarscale sample|\brun (it|its|this|the|predict|ingest|overview|summarise|export)\b"
    r"|\b(and|then) run again|\bstart (it|the run) again|\bfree some room|\b(path|folder) or URL"
    r"|\bgive the path|\blet every worker|\bchmod\b|\bpip\b|\bulimit\b|\bkubectl\b",
    re.IGNORECASE,
)


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


def file_of(module: str) -> Path | None:
    """The file of a module of ours, None where there is none of that name."""
    place = ROOT.parent.joinpath(*module.split("."))
    found = (place.with_suffix(".py"), place / "__init__.py")
    return next((file for file in found if file.is_file()), None)


def imported(file: Path) -> Iterator[str]:
    """The modules of ours that a file imports, at its top or where it needs them."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lunarscale"):
            yield from (str(node.module), *(f"{node.module}.{each.name}" for each in node.names))


def files() -> list[Path]:
    """All that a job may run: whatever the verbs of jobs import, and what that does, and so on."""
    known: set[Path] = set()
    waiting = [BEGINNING]
    while waiting:
        file = file_of(waiting.pop())
        if file is not None and file not in known:
            known.add(file)
            waiting += imported(file)
    return sorted(file for file in known if file.relative_to(ROOT).parts[0] not in NOT_MET)


@pytest.fixture(scope="module")
def said() -> set[str]:
    """What speaks of the command line before it is turned."""
    found = chain.from_iterable(map(sentences, files()))
    return {sentence for sentence in found if " " in sentence and SHELL.search(sentence)}


def test_no_sentence_of_a_step_speaks_of_the_command_line(said: set[str]) -> None:
    rooms = {file.relative_to(ROOT).parts[0] for file in files()}
    assert {"engine", "store", "models", "readers", "grid", "reduce", "render", "steps"} <= rooms
    assert len(said) > 45
    assert [sentence for sentence in said if SHELL.search(worded(sentence))] == []


#: What a step says that no job asks it for; and what is the source of a model, and no advice.
NOT_ASKED = {"bandwidth", "units", "with-cross-calibrated"}


def test_every_option_becomes_a_parameter(said: set[str]) -> None:
    known = {name for verb in VERBS.values() for name in (verb.name, *verb.told.model_fields)}
    named = {name for each in said for name in re.findall(r"`([a-z-]+)`", worded(each))}
    assert named & known
    assert named - known - NOT_ASKED == set()


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
