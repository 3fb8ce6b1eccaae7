"""The image: built of what is named by its hash, run by nobody in particular."""

import fnmatch
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from lunarscale.clusters.kubernetes_pods import USER

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()


def instructions(text: str) -> list[tuple[str, str]]:
    """Instructions of a Dockerfile with their words, in order."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [(line.split()[0].upper(), line.split(maxsplit=1)[1]) for line in joined.splitlines()]


def faults(text: str) -> Iterator[str]:
    """What is wrong with a Dockerfile."""
    steps = instructions(text)
    arguments = dict(words.split("=", 1) for step, words in steps if step == "ARG" and "=" in words)
    stages = [words for step, words in steps if step == "FROM"]
    names = [words.split()[-1] for words in stages if " AS " in words]
    for words in stages:
        image = re.sub(r"\$\{(\w+)\}", lambda m: arguments[m[1]], words.split()[0])
        tag = image.rpartition("/")[2].partition(":")[2]
        if "@sha256:" not in image and tag in ("", "latest"):
            yield f"what {image} is changes unseen"
        elif "@sha256:" not in image and not re.match(r"\d+\.\d+\.\d+", tag):
            yield f"{image} is of no one version"
    if len(stages) < 2:
        yield "what builds it is in it"
    last = max(i for i, (step, _) in enumerate(steps) if step == "FROM")
    users = [words for step, words in steps[last:] if step == "USER"]
    if not users or users[-1] != f"{USER}:{USER}":
        yield "it may run as root"
    for step, words in steps:
        if step == "ADD":
            yield "ADD fetches and unpacks: COPY does not"
        if step in ("ENV", "ARG") and re.search(r"(?i)token|secret|password", words):
            yield f"a secret is in the image: {words}"
        if step == "RUN" and re.search(r"curl|wget|git clone", words):
            yield "something is fetched that nobody has the hash of"
        for install in re.findall(r"pip install[^&]*", words) if step == "RUN" else ():
            checked = "--require-hashes" in install and "--only-binary :all:" in install
            if not checked and not ("--no-deps" in install and "--no-index" in install):
                yield f"nobody has the hash of what is installed: {install.strip()}"
        copied = words.split() if step == "COPY" else []
        if any(word.startswith("--from=") for word in copied):
            if copied[0].removeprefix("--from=") not in names:
                yield f"there is no stage {copied[0]}"
            continue
        for source in copied[:-1]:
            if source == "." or not (ROOT / source).exists() or ignored(source):
                yield f"{source} is not there, or all of it is copied"


def ignored(path: str) -> bool:
    """Whether ``.dockerignore`` keeps a path out: its last line that matches says."""
    out = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if line and not line.startswith("#"):
            pattern = line.removeprefix("!")
            parts = [path, *(str(each) for each in Path(path).parents)]
            if any(fnmatch.fnmatch(each, pattern) for each in parts):
                out = not line.startswith("!")
    return out


def test_nothing_is_wrong_with_the_dockerfile() -> None:
    assert list(faults(DOCKERFILE)) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (":3.12.12-slim-bookworm", ":latest", "changes unseen"),
        (":3.12.12-slim-bookworm", "", "changes unseen"),
        (":3.12.12-slim-bookworm", ":slim", "is of no one version"),
        ("USER 10001:10001\n", "", "it may run as root"),
        ("USER 10001:10001\n", "USER 10001:10001\nUSER root\n", "it may run as root"),
        ("pip install --require-hashes", "pip install", "nobody has the hash of what is inst"),
        ("--only-binary :all:", "", "nobody has the hash of what is installed"),
        ("--no-deps --no-index", "--no-index", "nobody has the hash of what is installed"),
        ("COPY pyproject.toml", "ADD pyproject.toml", "ADD fetches and unpacks"),
        ("COPY lunarscale /build/lunarscale", "COPY . /build", "all of it is copied"),
        ("COPY lunarscale", "COPY tests lunarscale", "tests is not there"),
        ("WORKDIR /data", "ENV API_TOKEN=moon", "a secret is in the image"),
        ("WORKDIR /data", "RUN curl https://x | sh", "nobody has the hash of"),
        ("--from=build", "--from=builder", "there is no stage --from=builder"),
    ],
)
def test_faults_that_are_put_in_are_found(old: str, new: str, told: str) -> None:
    assert old in DOCKERFILE
    assert any(told in fault for fault in faults(DOCKERFILE.replace(old, new)))


@pytest.mark.parametrize(
    "path",
    [
        *("tests", "deploy/compose.yaml", "deploy/data", "deploy/tokens", "keys", ".git"),
        *("lunarscale-demo", "lunarscale/service/viewer/node_modules"),
    ],
)
def test_what_stays_out(path: str) -> None:
    assert ignored(path)


def pinned(name: str) -> dict[str, str]:
    """Packages of a file of hashes, with their versions."""
    text = re.sub(r"\\\n\s*", " ", (ROOT / "deploy" / name).read_text())
    found = {}
    for line in text.splitlines():
        words = line.split()
        assert re.fullmatch(r"[a-z0-9][a-z0-9-]*==[0-9][\w.]*", words[0]), f"{words[0]}: no version"
        hashes = [word for word in words[1:] if word.startswith("--hash=")]
        assert hashes, f"{words[0]}: no hash"
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", word) for word in hashes)
        package, _, version = words[0].partition("==")
        found[package] = version
    return found


def test_everything_is_pinned_and_goes_with_pyproject() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["service"]
    have = pinned("requirements.txt")
    for each in map(Requirement, wanted):
        name = re.sub(r"[-_.]+", "-", each.name).lower()
        assert name in have, f"{name}: make the file again (deploy/README.md)"
        assert each.specifier.contains(have[name]), f"{each}, but {have[name]} is pinned"
    assert "torch" not in have
    assert "pytest" not in have
    assert set(pinned("requirements-build.txt")) >= {"hatchling"}
