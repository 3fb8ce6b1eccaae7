"""The map of a screened cap: every cell where the projection says, circles whole, labels apart."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from lunarscale.grid.caps import PolarCap, Pole, cells_of_cap
from lunarscale.grid.cells import equal_area_cells
from lunarscale.grid.projections import polar_stereographic
from lunarscale.render.placing import Place, place_labels
from lunarscale.render.polar_screen import (
    CANDIDATE,
    VALUE,
    Marked,
    ScreenMap,
    draw_screen_map,
    on_plane,
)


def screen_map(pole: Pole, **options: object) -> ScreenMap:
    """A cap of large cells, one of which passes."""
    cells, _ = cells_of_cap(equal_area_cells(2_000.0), PolarCap(pole, 65.0))
    kinds = np.full(cells.count, VALUE, np.uint8)
    kinds[cells.count // 3] = CANDIDATE
    feo = np.linspace(3, 20, cells.count).astype(np.float32)
    given = {"places": (), "labels": ("like the maria", "passing"), "lines": ("a line",)} | options
    return ScreenMap(
        title="A cap",
        pole=pole,
        latitude_deg=65.0,
        cells=cells,
        feo_wt_pct=feo,
        kinds=kinds,
        **given,
    )  # type: ignore[arg-type]


@pytest.mark.parametrize("pole", ["north", "south"])
def test_every_cell_lies_where_the_projection_says(pole: Pole) -> None:
    picture = screen_map(pole)
    numbers = picture.cells_of_panel()
    assert numbers.shape[0] == numbers.shape[1]
    size, rim = numbers.shape[0], picture.rim_m
    lon, lat = picture.cells.centres()
    inside = np.abs(lat) > 66.0  # the last band is cut by the rim
    x, y = polar_stereographic(lon[inside], lat[inside], pole=pole)
    cols, rows = (
        ((x + rim) / (2 * rim) * size).astype(int),
        ((rim - y) / (2 * rim) * size).astype(int),
    )
    np.testing.assert_array_equal(numbers[rows, cols], np.flatnonzero(inside))
    # beyond the rim there is none
    assert (numbers[0] == -1).sum() > 0.9 * size
    assert numbers[size // 2, 0] >= 0


@pytest.mark.parametrize(
    "place",
    [
        Marked("basin", 132.9, -74.7, 316.0),
        Marked("crater", -20.0, -89.5, 200.0),
        Marked("pole", 0.0, -90.0, 50.0),
    ],
)
def test_a_circle_on_the_sphere_is_this_circle_on_the_plane(place: Marked) -> None:
    x, y, radius = on_plane(place, "south")
    # points at the circle's distance from its centre, by turning about it
    lon, lat, reach = np.radians([place.lon, place.lat, np.degrees(place.diameter_km / 2 / 1737.4)])
    bearing = np.linspace(0, 2 * np.pi, 25)
    lats = np.arcsin(np.sin(lat) * np.cos(reach) + np.cos(lat) * np.sin(reach) * np.cos(bearing))
    lons = lon + np.arctan2(
        np.sin(bearing) * np.sin(reach) * np.cos(lat), np.cos(reach) - np.sin(lat) * np.sin(lats)
    )
    on_rim = polar_stereographic(np.degrees(lons), np.degrees(lats), pole="south")
    np.testing.assert_allclose(np.hypot(on_rim[0] - x, on_rim[1] - y), radius, rtol=1e-6)


def test_it_is_drawn_with_all_cells_empty_too(tmp_path: Path) -> None:
    picture = screen_map("south", places=[Marked("a basin", 132.9, -74.7, 316.0)])
    empty = ScreenMap(**{**vars(picture), "feo_wt_pct": np.full_like(picture.feo_wt_pct, np.nan)})
    made = draw_screen_map(empty, path=tmp_path / "map.png", simulated=True)
    assert (made.width_px, made.height_px) == (2519, 1683)
    assert made.path.stat().st_size > 30_000
    assert "Without a label" not in made.caption


def test_labels_keep_apart_and_say_which_find_no_room() -> None:
    figure = Figure(figsize=(3, 3), dpi=100)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    crowd = [Place(f"place {number}", 0.5, 0.5, 0.01) for number in range(12)]
    left_out = place_labels(axes, [*crowd, Place("alone", 0.1, 0.9, 0.01)])
    assert 0 < len(left_out) < 12
    assert "alone" not in left_out
    assert "place 0" not in left_out
    boxes = [text.get_window_extent(canvas.get_renderer()) for text in axes.texts]
    assert len(boxes) == 13 - len(left_out)
    for at, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:at])


def test_a_label_goes_where_it_covers_least() -> None:
    figure = Figure(figsize=(3, 3), dpi=100)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    place_labels(axes, [Place("here", 0.5, 0.5, 0.05)], cost=lambda x0, x1, y0, y1: x1)
    (label,) = axes.texts
    assert label.get_ha() == "right"
