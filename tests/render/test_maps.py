"""The map figure, looked at pixel by pixel."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure
from matplotlib.image import imread

from lunarscale.render.graticule import draw_graticule, scale_bar_km, true_parallel
from lunarscale.render.maps import MapPicture, draw_map
from lunarscale.render.palettes import NO_DATA_COLOUR, palette_of

WHOLE = (-180.0, -90.0, 180.0, 90.0)


def picture(values: np.ndarray, bounds: tuple[float, float, float, float] = WHOLE) -> MapPicture:
    valid = values[np.isfinite(values)]
    extremes = (float(valid.min()), float(valid.max())) if valid.size else (np.nan, np.nan)
    return MapPicture(
        "FeO", "iron oxide abundance", "wt %", values.astype(np.float32), bounds,
        "qiu-2025-feo", "FeO = a θ + b", "Qiu 2025", *extremes,
    )  # fmt: skip


def centre_of(image: np.ndarray, share: float) -> tuple[float, float]:
    """Column and row, in pixels, of the middle of what has the palette's colour at a share."""
    colour = np.array(palette_of("FeO")(share)[:3])
    rows, cols = np.nonzero(np.abs(image - colour).max(axis=-1) < 0.012)
    assert rows.size > 20, f"the colour at {share} is not in this part of the figure"
    return float(cols.mean()), float(rows.mean())


def test_marked_places_land_where_they_must_in_all_three_panels(tmp_path: Path) -> None:
    lons, lats = np.arange(720) * 0.5 - 179.75, 89.75 - np.arange(360) * 0.5
    lon, lat = np.meshgrid(lons, lats)
    values = np.where(np.abs(lat) < 50.0, np.where(lon % 40.0 < 20.0, 0.0, 1.0), 0.0)
    values[np.abs(lat) > 86.0] = 0.3
    values[(np.abs(np.abs(lat) - 73.0) < 4.0) & (np.abs(lon) < 12.0)] = 0.5
    values[(np.abs(np.abs(lat) - 73.0) < 4.0) & (np.abs(lon - 90.0) < 12.0)] = 0.8
    shown = draw_map(picture(values), path=tmp_path / "map.png")
    image = imread(shown.path)[..., :3]
    assert image.shape[:2] == (shown.height_px, shown.width_px)

    height, width = image.shape[:2]
    panels = {
        "north": image[int(0.67 * height) :, : int(0.38 * width)],
        "south": image[int(0.67 * height) :, int(0.38 * width) : int(0.69 * width)],
    }
    for pole, panel in panels.items():
        (x, y), prime, east = (centre_of(panel, share) for share in (0.3, 0.5, 0.8))
        down = 1.0 if pole == "north" else -1.0
        assert prime[0] == pytest.approx(x, abs=4.0)
        assert east[1] == pytest.approx(y, abs=4.0)
        assert east[0] - x > 100.0
        assert (prime[1] - y) * down == pytest.approx(east[0] - x, abs=6.0)

    cylinder = image[: int(0.6 * height)]
    upper, lower = cylinder[: cylinder.shape[0] // 2], cylinder[cylinder.shape[0] // 2 :]
    for half in (upper, lower):
        prime, east = centre_of(half, 0.5), centre_of(half, 0.8)
        assert east[0] - prime[0] == pytest.approx(90.0 / 360.0 * 8.96 * 220, abs=4.0)
        assert prime[1] == pytest.approx(east[1], abs=2.0)


def test_a_map_without_values_is_grey_and_says_so(tmp_path: Path) -> None:
    shown = draw_map(picture(np.full((90, 180), np.nan)), path=tmp_path / "empty.png")
    image = imread(shown.path)[..., :3]
    grey = np.abs(image - np.array(NO_DATA_COLOUR)).max(axis=-1) < 0.01
    assert grey.mean() > 0.4
    assert "No pixel of this map has a value" in shown.caption


def test_gaps_are_grey_and_never_a_colour_of_the_palette(tmp_path: Path) -> None:
    values = np.tile(np.linspace(0.0, 20.0, 360), (180, 1))
    values[60:120, 100:200] = np.nan
    image = imread(draw_map(picture(values), path=tmp_path / "gap.png").path)[..., :3]
    grey = np.abs(image - np.array(NO_DATA_COLOUR)).max(axis=-1) < 0.01
    share = 60 * 100 / (180 * 360) * (8.96 * 4.48 * 220**2) / grey.size
    assert grey.mean() == pytest.approx(share, rel=0.05)


@pytest.mark.parametrize(
    "bounds",
    [
        (20.0, -10.0, 60.0, 30.0),
        (150.0, 40.0, 230.0, 62.0),
        (-180.0, -90.0, 180.0, -65.0),
        (0.0, 60.0, 90.0, 90.0),
        (29.9, 8.1, 30.3, 8.9),
        (-180.0, 89.0, 180.0, 90.0),
    ],
)
def test_every_box_draws(tmp_path: Path, bounds: tuple[float, float, float, float]) -> None:
    values = np.full((40, 60), 4.5)
    shown = draw_map(picture(values, bounds), path=tmp_path / "map.png", simulated=True)
    assert "Every pixel that has a value has 4.500" in shown.caption
    image = imread(shown.path)[..., :3]
    assert image.shape == (shown.height_px, shown.width_px, 3)
    middle = np.array(palette_of("FeO")(0.5)[:3])
    assert (np.abs(image - middle).max(axis=-1) < 0.02).mean() > 0.004


def test_a_picture_that_goes_on_past_the_pole_is_framed_at_the_pole(tmp_path: Path) -> None:
    lats = 90.0 - 7.0 * (np.arange(26) + 0.5)
    values = np.repeat(np.where(lats > -83.0, lats, np.nan)[:, None], 52, axis=1)
    over = picture(values, (-180.0, -92.0, 184.0, 90.0))
    assert over.frame == WHOLE
    shown = draw_map(over, path=tmp_path / "map.png")
    assert shown.alt.endswith("around the Moon, 90° S to 90° N")
    whole = draw_map(picture(values), path=tmp_path / "whole.png")
    assert (shown.width_px, shown.height_px) == (whole.width_px, whole.height_px)


def test_simulated_data_are_marked(tmp_path: Path) -> None:
    plain = draw_map(picture(np.ones((9, 18))), path=tmp_path / "plain.png")
    marked = draw_map(picture(np.ones((9, 18))), path=tmp_path / "marked.png", simulated=True)
    differ = np.abs(imread(plain.path) - imread(marked.path)).max(axis=-1) > 0.05
    rows, cols = np.nonzero(differ)
    assert differ.sum() > 10_000
    assert rows.max() < 0.06 * marked.height_px
    assert cols.min() > 0.5 * marked.width_px


def test_text_is_taken_literally(tmp_path: Path) -> None:
    odd = dataclasses.replace(
        picture(np.ones((9, 18))), model="$\\frac{x$", formula="$", source="a_b^c $\\alpha"
    )
    assert "$\\frac{x$" in draw_map(odd, path=tmp_path / "odd.png").caption


def test_the_same_picture_gives_the_same_bytes(tmp_path: Path) -> None:
    values = np.random.default_rng(3).normal(8.0, 3.0, (45, 90))
    first, second = tmp_path / "first.png", tmp_path / "second.png"
    draw_map(picture(values), path=first)
    draw_map(picture(values), path=second)
    assert first.read_bytes() == second.read_bytes()
    assert pyplot.get_fignums() == []


def test_no_display_is_needed(tmp_path: Path) -> None:
    code = (
        "import sys, numpy as np; from pathlib import Path\n"
        "from lunarscale.render.maps import MapPicture, draw_map\n"
        "v = np.ones((9, 18), np.float32)\n"
        "p = MapPicture('FeO', 'l', 'wt %', v, (-180., -90., 180., 90.), 'm', 'f', 's', 1., 1.)\n"
        "draw_map(p, path=Path(sys.argv[1]))\n"
    )
    # a backend that needs a display: it must never be asked for
    bare = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    path = tmp_path / "map.png"
    command = [sys.executable, "-c", code, str(path)]
    subprocess.run(command, check=True, env=bare | {"MPLBACKEND": "TkAgg"}, timeout=300)
    assert path.stat().st_size > 10_000


def test_meridians_past_the_seam_are_labelled_west() -> None:
    axes = Figure().add_axes((0, 0, 1, 1))
    draw_graticule(axes, (150.0, 40.0, 230.0, 62.0), inches=(9.0, 4.0))
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels[0] == "150° E"
    assert labels[3:5] == ["180°", "170° W"]
    assert labels[-1] == "130° W"


def test_scale_bars_and_true_parallels() -> None:
    assert [scale_bar_km(room) for room in (9.9, 20.0, 1999.0, 0.6)] == [5.0, 20.0, 1000.0, 0.5]
    assert true_parallel(WHOLE) == 0.0
    assert true_parallel((0.0, -10.0, 20.0, 30.0)) == 0.0
    assert true_parallel((0.0, 40.0, 20.0, 60.0)) == 50.0
    assert true_parallel((0.0, -90.0, 20.0, -88.0)) == -80.0
