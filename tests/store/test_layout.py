"""What a store says of itself, and what of that is refused."""

import json
import math
from typing import Any

import numpy as np
import pyproj
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lunarscale.errors import FormatError
from lunarscale.flags import NO_DATA
from lunarscale.grid.raster import RasterGrid
from lunarscale.moon import RADIUS_M
from lunarscale.store.layout import (
    CRS,
    FORMAT_VERSION,
    ArraySpec,
    Layout,
    MapLayer,
    affine,
    lunar_wkt,
    spatial_attributes,
)

GRID = RasterGrid.whole(1.0)
FEO = MapLayer("FeO", "FeO", "qiu-2025-feo", "a formula", "a source")
MOSAIC = Layout("mosaic", GRID, 64, 16, "clementine-uvvis")
KAGUYA = Layout("mosaic", GRID, 64, 16, "kaguya-mi")
MAPS = Layout("maps", GRID, 64, 16, "clementine-uvvis", (FEO,), simulated=True)

GRIDS = st.builds(
    lambda half, row, col: RasterGrid(2 * half, row % half, col % (2 * half), 1, 2 * half),
    st.integers(1, 60_000), st.integers(0, 10**6), st.integers(0, 10**6),
)  # fmt: skip


@pytest.mark.parametrize("layout", [MOSAIC, MAPS], ids=["mosaic", "maps"])
def test_a_layout_comes_back_from_json(layout: Layout) -> None:
    attributes = json.loads(json.dumps(layout.to_attributes()))
    assert attributes["format"] == FORMAT_VERSION
    assert Layout.from_attributes(attributes, "a.zarr") == layout


@pytest.mark.parametrize("version", [0, FORMAT_VERSION + 1, "1.5", None])
def test_another_version_is_refused(version: Any) -> None:
    attributes = {**MAPS.to_attributes(), "format": version}
    expected = f"^a.zarr: this lunarscale reads store format {FORMAT_VERSION} but .* {version};"
    with pytest.raises(FormatError, match=expected):
        Layout.from_attributes(attributes, "a.zarr")


@pytest.mark.parametrize(
    "damage",
    [
        {"kind": "pictures"},
        {"kind": ["maps"]},
        {"grid": None},
        {"grid": {"around": 360}},
        {"grid": {"around": 361, "row": 0, "col": 0, "height": 1, "width": 1}},
        {"grid": {"around": 360, "row": 0, "col": 0, "height": 0, "width": 1}},
        {"shard": "64"},
        {"chunk": 48},
        {"chunk": 0},
        {"camera": "hubble"},
        {"layers": None},
        {"layers": [{"name": "FeO"}]},
        {"layers": [{**vars(FEO), "quantity": "cheese"}]},
        {"layers": [{**vars(FEO), "colour": "red"}]},
    ],
    ids=str,
)
def test_a_damaged_description_is_refused(damage: dict[str, Any]) -> None:
    with pytest.raises(FormatError):
        Layout.from_attributes({**MAPS.to_attributes(), **damage}, "a.zarr")


@pytest.mark.parametrize("lost", sorted(MAPS.to_attributes()))
def test_a_description_with_a_part_lost_is_refused(lost: str) -> None:
    attributes = {name: value for name, value in MAPS.to_attributes().items() if name != lost}
    with pytest.raises(FormatError, match=r"^a\.zarr: "):
        Layout.from_attributes(attributes, "a.zarr")


@pytest.mark.parametrize("found", [None, 5, "text", [1]])
def test_what_is_no_description_is_refused(found: Any) -> None:
    with pytest.raises(FormatError, match="store has format None"):
        Layout.from_attributes(found, "a.zarr")


def test_a_chunk_that_does_not_divide_the_shard_is_refused() -> None:
    with pytest.raises(FormatError, match="a shard of 64 pixels cannot be cut into chunks of 24"):
        Layout("mosaic", GRID, 64, 24, "clementine-uvvis")


@pytest.mark.parametrize("shard", [16, 48, 64, 512])
def test_the_shards_tile_the_grid(shard: int) -> None:
    layout = Layout("mosaic", GRID, shard, 16, "clementine-uvvis")
    times = np.zeros((GRID.height, GRID.width), np.int8)
    for window in layout.windows():
        assert (window.row % shard, window.col % shard) == (0, 0)
        times[window.slices] += 1
    assert np.all(times == 1)


LAYOUTS = {"clementine": MOSAIC, "kaguya": KAGUYA, "maps": MAPS}
ARRAYS = [
    pytest.param(layout, spec, id=f"{name} {spec.name}")
    for name, layout in LAYOUTS.items()
    for spec in layout.arrays()
]


@pytest.mark.parametrize(("layout", "spec"), ARRAYS)
def test_what_is_not_written_is_explained(layout: Layout, spec: ArraySpec) -> None:
    """No object reads as no-data, and in the flags as never imaged, in every band."""
    if "flag" not in spec.name:
        assert spec.packing.fill_value == spec.attributes["_FillValue"] == NO_DATA
        assert spec.attributes["units"]
        assert spec.attributes["ancillary_variables"]
        return
    triples = zip(
        spec.attributes["flag_masks"],
        spec.attributes["flag_values"],
        spec.attributes["flag_meanings"].split(),
        strict=True,
    )
    said = [name for mask, value, name in triples if spec.packing.fill_value & mask == value]
    name = "out_of_bounds" if layout is KAGUYA else "null"
    bands = [f"{name}_{nm}nm" for nm in layout.camera_facts.wavelengths_nm]
    assert said == (bands if spec.name == "flag" else ["no_input"])


@pytest.mark.parametrize(("layout", "spec"), ARRAYS)
def test_flag_attributes_follow_cf(layout: Layout, spec: ArraySpec) -> None:
    """As many masks as values and meanings, all of the layer's type, no two alike (CF 3.5)."""
    if "flag" not in spec.name:
        assert "flag_masks" not in spec.attributes
        return
    masks, values = spec.attributes["flag_masks"], spec.attributes["flag_values"]
    meanings = spec.attributes["flag_meanings"].split()
    assert len(masks) == len(values) == len(meanings) == len(set(meanings))
    assert len(set(zip(masks, values, strict=True))) == len(masks)
    for mask, value in zip(masks, values, strict=True):
        assert 0 < value <= mask <= np.iinfo(spec.packing.dtype).max
        assert value & ~mask == 0
    assert all(name.replace("_", "").isalnum() for name in meanings)


def test_flags_are_as_wide_as_the_cameras_bands() -> None:
    assert {spec.name: spec.packing.dtype for spec in MOSAIC.arrays()}["flag"] == "uint16"
    assert {spec.name: spec.packing.dtype for spec in KAGUYA.arrays()}["flag"] == "uint32"
    assert KAGUYA.arrays()[0].bands == 9


def test_a_cameras_reasons_keep_their_numbers() -> None:
    """They are in stores that were written: a number never means something else."""
    words = {
        "clementine": "null low_repr_saturation low_instr_saturation high_instr_saturation "
        "high_repr_saturation off_scale near_saturation",
        "kaguya": "out_of_bounds dummy_defect other saturation minus off_scale",
    }
    for name, meanings in words.items():
        camera = LAYOUTS[name].camera_facts
        flag, size = camera.flag_attributes(), len(meanings.split())
        values = [value << 3 * band for band in range(len(camera.wavelengths_nm))
                  for value in range(1, size + 1)]  # fmt: skip
        assert flag["flag_values"] == values
        said = [f"{word}_{nm}nm" for nm in camera.wavelengths_nm for word in meanings.split()]
        assert str(flag["flag_meanings"]).split() == said


def test_the_crs_is_the_moons() -> None:
    crs = pyproj.CRS.from_wkt(lunar_wkt())
    assert crs.to_authority() == tuple(CRS.split(":"))
    assert crs.ellipsoid is not None
    assert (crs.ellipsoid.semi_major_metre, crs.ellipsoid.semi_minor_metre) == (RADIUS_M, RADIUS_M)
    parameters = {item.name: item.value for item in crs.coordinate_operation.params}
    assert set(parameters.values()) == {0.0}, parameters  # lon0, standard parallel, false x and y


@settings(deadline=None)
@given(grid=GRIDS)
def test_the_affine_gives_the_places_of_proj(grid: RasterGrid) -> None:
    """Pixel centres by the affine are where PROJ puts the grid's longitudes and latitudes."""
    a, b, c, d, e, f = affine(grid)
    assert (b, d, a + e) == (0.0, 0.0, 0.0)
    to_metres = pyproj.Transformer.from_crs("IAU_2015:30100", CRS, always_xy=True)
    lons, lats = grid.lons(), grid.lats()
    for col in (0, grid.width // 2, grid.width - 1):
        x = c + a * (col + 0.5)
        lon = float(lons[col])
        expected, y = to_metres.transform((lon + 180) % 360 - 180, float(lats[0]))
        turns = 2 * math.pi * RADIUS_M * round((lon - ((lon + 180) % 360 - 180)) / 360)
        assert x == pytest.approx(expected + turns, abs=1e-3)
        assert f + e * 0.5 == pytest.approx(y, abs=1e-3)


@settings(deadline=None)
@given(grid=GRIDS)
def test_the_conventions_agree_with_one_another(grid: RasterGrid) -> None:
    attributes = spatial_attributes(grid)
    a, _, c, _, e, f = attributes["spatial:transform"]
    height, width = attributes["spatial:shape"]
    west, south, east, north = attributes["spatial:bbox"]
    assert (height, width) == (grid.height, grid.width)
    assert (west, north) == (c, f)
    assert east == pytest.approx(c + a * width, abs=1e-3)
    assert south == pytest.approx(f + e * height, abs=1e-3)
    assert attributes["proj:wkt2"] == lunar_wkt()
    assert {item["name"] for item in attributes["zarr_conventions"]} == {"proj:", "spatial:"}
