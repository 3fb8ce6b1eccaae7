"""What the documents point at is there: links, anchors, commands with their options, names."""

import ast
import importlib
import json
import re
import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from lunarscale.cli import app

ROOT = Path(__file__).parents[1]
FOLDERS = (".", "docs", "deploy", "benchmarks", "notebooks")
DOCUMENTS = {
    str(path.relative_to(ROOT)): path
    for folder in FOLDERS
    for ending in ("md", "ipynb")
    for path in sorted((ROOT / folder).glob(f"*.{ending}"))
}

#: What stands for words of the reader's, or for words left out: such lines are not parsed whole.
OPEN = re.compile(r"\.\.\.|\[|…")

LUNARSCALE: Any = typer.main.get_command(app)

each_document = pytest.mark.parametrize("name", DOCUMENTS)


def prose(path: Path) -> str:
    """A document's text; of a notebook what stands between its code."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    cells = json.loads(text)["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def anchors(path: Path) -> set[str]:
    """The places in a document that a link can lead to, named as GitHub names them."""
    headings = re.findall(r"^#+ +(.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def blocks(text: str) -> Iterator[list[str]]:
    """The words of each ``lunarscale`` command in blocks of code, without its first."""
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        if not re.match(r"(    |\t).*\blunarscale [a-z]", line):
            continue
        words = shlex.split(line, comments=True)
        for at, word in enumerate(words):
            if word == "lunarscale" and (at == 0 or words[at - 1] in ("&&", "service")):
                rest = words[at + 1 :]
                yield rest[: rest.index("&&")] if "&&" in rest else rest


def spans(text: str) -> Iterator[list[str]]:
    """The words of each ``lunarscale`` command within a sentence, without its first."""
    for found in re.findall(r"(?<!`)(?<!There is no )`lunarscale ([^`]+)`", text):
        yield [word.strip("[]") for word in found.split()]


def command_of(words: list[str]) -> tuple[Any, list[str]]:
    """The command that words name, and what is said to it."""
    command = LUNARSCALE
    while words and words[0] in getattr(command, "commands", {}):
        command, words = command.commands[words[0]], words[1:]
    named = not hasattr(command, "commands") or not words or words[0].startswith("-")
    assert named, f"there is no command `{words[0]}`"
    return command, words


def require_options(words: list[str]) -> None:
    """Make sure that a command is there, and all the options named with it."""
    command, said = command_of(words)
    has = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    asked = {word.partition("=")[0] for word in said if word.startswith("--")}
    assert asked <= has, f"`lunarscale {' '.join(words)}`: no option {', '.join(asked - has)}"


def require_taken(words: list[str]) -> None:
    """Make sure that a command takes these words; nothing is run."""
    command, said = command_of(words)
    try:
        command.make_context(command.name, list(said))
    except Exception as error:
        error.add_note(f"of `lunarscale {' '.join(words)}`")
        raise


@each_document
def test_links_lead_somewhere(name: str) -> None:
    here = DOCUMENTS[name]
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(here)):
        if target.startswith(("https://", "http://")):
            continue
        path, _, anchor = target.partition("#")
        there = (here.parent / path).resolve() if path else here
        assert there.exists(), f"{name}: {target}"
        assert not anchor or anchor in anchors(there), f"{name}: {target}"


@each_document
def test_commands_are_taken_as_they_stand(name: str) -> None:
    text = prose(DOCUMENTS[name])
    for words in blocks(text):
        require_options([word.strip("[]") for word in words])
        if not OPEN.search(" ".join(words)):
            require_taken(words)
    for words in spans(text):
        require_options(words)


@each_document
def test_what_pieces_of_python_import_is_there(name: str) -> None:
    for block in re.findall(r"(?:^    .*\n|^\n(?=    ))+", prose(DOCUMENTS[name]), re.MULTILINE):
        if not re.search(r"^    (from|import) \w", block, re.MULTILINE):
            continue
        for node in ast.walk(ast.parse(textwrap.dedent(block))):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("lunarscale"):
                module = importlib.import_module(str(node.module))
                assert all(hasattr(module, alias.name) for alias in node.names), node.module


def test_a_command_that_is_none_is_found() -> None:
    text = "    lunarscale demo --out a && lunarscale export a --layer FeO  # no --out\n"
    first, second = blocks(text)
    require_taken(first)
    require_options(second)
    with pytest.raises(Exception, match=r"[Mm]issing"):
        require_taken(second)
    with pytest.raises(AssertionError, match="no option --outt"):
        require_options(["demo", "--outt", "a"])
    with pytest.raises(AssertionError, match="no command `fly`"):
        require_options(["fly"])


def commands(group: Any = LUNARSCALE) -> Iterator[Any]:
    """Every command with an example in its help."""
    for command in group.commands.values():
        yield command
        if hasattr(command, "commands"):
            yield from commands(command)


@pytest.mark.parametrize("command", list(commands()), ids=lambda command: command.name)
def test_the_example_of_a_help_is_taken(command: Any) -> None:
    example = re.fullmatch(r"Example: \[bold\]lunarscale (.+)\[/bold\]", command.epilog)
    assert example is not None
    require_taken(shlex.split(example[1]))


def test_what_contributors_are_sent_to_is_there() -> None:
    package = ROOT / "lunarscale"
    roots = (ROOT, package, package / "service" / "viewer")
    modules = [path for depth in ("", "*/", "*/*/") for path in package.glob(f"{depth}*.py")]
    for words in re.findall(r"`([^`]+)`", prose(DOCUMENTS["CONTRIBUTING.md"])):
        span = " ".join(words.split())
        if re.fullmatch(r"[\w/.-]+(\.py|\.md|/)", span):
            assert any((root / span).exists() for root in roots), span
        elif found := re.fullmatch(r"((?:\w+[/.])*[a-z_]+)\.([A-Za-z_]+)(?:\(.*\))?", span):
            ending = "/" + found[1].replace(".", "/") + ".py"
            texts = [each.read_text("utf-8") for each in modules if str(each).endswith(ending)]
            assert any(re.search(rf"\b{found[2]}\b", text) for text in texts), span
