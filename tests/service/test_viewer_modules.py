"""The viewer's modules: their own tests by node, types, the build, numbers held against ours."""

import json
import shutil
import subprocess
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest

from lunarscale.gazetteer.kinds import LINEAR
from lunarscale.gazetteer.places import distance_km
from lunarscale.moon import RADIUS_M

VIEWER = Path(str(files("lunarscale").joinpath("service", "viewer")))
TESTS = Path(__file__).parent.parent / "viewer"

#: The tests walk streams and reverse arrays as node does since its version 20.
OLDEST_NODE = 20

RNG = np.random.default_rng(6)
PLACES = np.column_stack(
    [RNG.uniform(-180, 180, 200), np.degrees(np.arcsin(RNG.uniform(-1, 1, 200)))]
)


@pytest.fixture(scope="module")
def node() -> Callable[..., str]:
    """``node(*arguments)``: what node prints; skips where there is none that is new enough."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("no node on this machine: the viewer's modules run in browsers only")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    if int(version.stdout.lstrip("v").split(".")[0]) < OLDEST_NODE:
        pytest.skip(f"node {version.stdout.strip()} is older than {OLDEST_NODE}")

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [program, *arguments], capture_output=True, text=True, cwd=VIEWER, timeout=300
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="module")
def installed() -> Path:
    """The folder of the packages that the build takes; skips where they are not installed."""
    folder = VIEWER / "node_modules"
    if not (folder / "esbuild").exists():
        pytest.skip("no node_modules: run `npm ci` in lunarscale/service/viewer")
    return folder


@pytest.fixture(scope="module")
def value_of(node: Callable[..., str]) -> Callable[[str, str], Any]:
    """``value_of(module, expression)``: an expression of a module's names, through JSON."""

    def value(module: str, expression: str) -> Any:
        # no package.json says so of a program on the command line
        program = (
            f"import * as it from {json.dumps(str(VIEWER / 'source' / module))};"
            f"process.stdout.write(JSON.stringify({expression}));"
        )
        return json.loads(node("--input-type=module", "--eval", program))

    return value


def test_modules_pass_their_own_tests(node: Callable[..., str]) -> None:
    told = node("--test", "--test-reporter=tap", *map(str, sorted(TESTS.glob("*.test.js"))))
    assert "# fail 0" in told
    assert "# skipped 0" in told


@pytest.mark.slow
def test_modules_hold_their_types(node: Callable[..., str], installed: Path) -> None:
    node(str(installed / "typescript" / "bin" / "tsc"), "--project", "jsconfig.json")


def test_source_builds_to_what_is_committed(
    node: Callable[..., str], installed: Path, tmp_path: Path
) -> None:
    node("build.mjs", str(tmp_path / "static"))
    built = {path.name: path.read_bytes() for path in (tmp_path / "static").iterdir()}
    assert built == {path.name: path.read_bytes() for path in (VIEWER / "static").iterdir()}


@pytest.mark.parametrize("pole", [1, -1])
def test_polar_plane_is_projs(value_of: Callable[[str, str], Any], pole: int) -> None:
    stere = pyproj.Proj(f"+proj=stere +lat_0={90 * pole} +R={RADIUS_M}")
    places = PLACES[pole * PLACES[:, 1] > -80]
    ours = value_of(
        "stereographic.js", f"{places.tolist()}.map(([lon, lat]) => it.toPlane(lon, lat, {pole}))"
    )
    np.testing.assert_allclose(ours, np.column_stack(stere(*places.T)), rtol=1e-9, atol=1e-3)
    back = value_of("stereographic.js", f"{ours}.map(([x, y]) => it.fromPlane(x, y, {pole}))")
    np.testing.assert_allclose(back, places, rtol=0, atol=1e-9)


def test_distances_are_the_gazetteers(value_of: Callable[[str, str], Any]) -> None:
    pairs = PLACES.reshape(-1, 2, 2)
    ours = value_of("moon.js", f"{pairs.tolist()}.map(([a, b]) => it.distanceKm(a, b))")
    theirs = [distance_km(tuple(first), tuple(second)) for first, second in pairs.tolist()]
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_radius_and_narrow_kinds_are_the_packages(value_of: Callable[[str, str], Any]) -> None:
    assert value_of("moon.js", "it.RADIUS_M") == RADIUS_M
    assert set(value_of("kinds.js", "it.NARROW")) == LINEAR
