"""screen-pole as a command: what it prints, writes, and refuses in one sentence."""

from pathlib import Path

import pytest
from cli_at_hand import lunarscale, refused
from planted import polar_grid, write_planted


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A circle of mare in Schrödinger."""
    path = tmp_path_factory.mktemp("maps") / "maps.zarr"
    return write_planted(path, polar_grid("south", ppd=4), ((132.93, -74.73, 80.0),))


def test_the_plan_is_printed_and_nothing_written(maps: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    told = lunarscale("screen-pole", maps, "--out", out, "--dry-run").stdout
    assert "pixels to do" in told
    assert not out.exists()


@pytest.mark.slow
def test_the_answer_is_printed_and_written(maps: str, tmp_path: Path) -> None:
    told = lunarscale(
        "screen-pole", maps, "--out", tmp_path, "--workers", 0, "--place", "schrodinger",
        "--density", 0.9, "--feo", 14,
    ).stdout  # fmt: skip
    assert "FeO > 14 wt % and Mg# < 0.60" in told
    assert "90 % of the maria's area" in " ".join(told.split())
    assert "Schrödinger" in told
    assert "Antoniadi" not in told.split("Patches")[0].split("Within the circles")[1]
    written = {path.name for path in tmp_path.iterdir()}
    assert {"screening.json", "patches.geojson", "screening_map.png"} <= written
    assert told.count("wrote ") == len(written) == 13


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--latitude", "-65"), "give it without a sign"),
        (("--density", "1.5"), "above 0 and below 1"),
        (("--feo", "-3"), "must lie above 0"),
        (("--mg-number", "60"), "give a fraction"),
        (("--model", "other"), "not other but made-network made both FeO and Mg#"),
        (("--pole", "north"), "the maps end at latitude -40, so there is no north pole"),
        (("--place", "Tycho"), "Tycho: its centre lies at latitude -43.3"),
        (("--mare", "nowhere.tif"), "nowhere.tif: there is no such file"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    maps: str, tmp_path: Path, options: tuple[str, str], said: str
) -> None:
    assert said in refused("screen-pole", maps, "--out", tmp_path / "out", *options)
    assert not (tmp_path / "out").exists()
