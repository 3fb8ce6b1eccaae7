"""Kaguya (SELENE) Multiband Imager MAP tiles, versions 02 and 03: PDS3, label attached or beside.

SLN-L-MI-5-MAP. A tile is a degree square (its name gives the edges); a plane of altitudes lies
before the image, and pointers count bytes from 1. The label's MAXIMUM_LATITUDE and
MINIMUM_LATITUDE are one pixel short of a degree apart: they are centres of pixels, and the first
pixel is centred on the north-western corner of the name (so GDAL and USGS ISIS's mimap2isis place
it). LINE_PROJECTION_OFFSET says the same, counted from 0. SAMPLE_PROJECTION_OFFSET is not looked
at: readers of the archive disagree about its sign.
"""

import re
from dataclasses import dataclass

from lunarscale.bands import KAGUYA_MI, KaguyaReason
from lunarscale.errors import TileError
from lunarscale.grid.projections import Lattice
from lunarscale.moon import normalise_longitude
from lunarscale.readers.band_sequential import (
    SAMPLE_BYTES,
    BandSequentialTile,
    LabelledImage,
    check_projection,
    expect,
    read_labelled,
)
from lunarscale.readers.files import Options, base_name
from lunarscale.readers.label import Label, Value, bare

#: Pixels by which a label's own figures may miss one another: its decimals are rounded.
ROUNDING = 0.01

VERSIONS = (2, 3)

_NAME = re.compile(r"MI_MAP_(\d\d)_([NS]\d\d)E(\d{3})([NS]\d\d)E(\d{3})SC", re.IGNORECASE)


@dataclass(frozen=True)
class Square:
    """What a tile's name says: version and edges in degrees, longitudes 0-360.

    Parameters
    ----------
    name : str
        Product name in upper case.
    version : int
    west, south, width, height : int
    """

    name: str
    version: int
    west: int
    south: int
    width: int
    height: int

    @property
    def north(self) -> int:
        """The northern edge."""
        return self.south + self.height

    @classmethod
    def named(cls, path: str) -> "Square":
        """From a file's name; TileError if it is none of this archive."""
        match = _NAME.match(base_name(path))
        if match is None:
            raise TileError(
                f"{path}: a Kaguya MI MAP tile's name should say its place, as "
                "MI_MAP_03_N51E124N50E125SC does; give it back the archive's name"
            )
        north, south = (
            int(edge[1:]) * (-1 if edge[0] in "Ss" else 1) for edge in match.group(2, 4)
        )
        west, east = int(match[3]), int(match[5])
        width = (east - west) % 360 or 360
        if not -90 <= south < north <= 90 or west > 360 or east > 360:
            raise TileError(
                f"{path}: its name says latitudes {north}..{south} and longitudes "
                f"{west}..{east}, no place on the Moon; give it back the archive's name"
            )
        return cls(match[0].upper(), int(match[1]), west, south, width, north - south)


def is_kaguya(label: Label) -> bool:
    """Whether a label is of this archive."""
    return str(label.values.get("PRODUCT_SET_ID")).upper() == "MI_MAP"


def open_kaguya(path: str, storage_options: Options = None) -> BandSequentialTile:
    """Index one tile from its name and label; no count is read.

    Parameters are those of ``read_labelled``.

    Raises
    ------
    TileError
        If the file is no such tile, is shorter than its label promises, or name and label
        disagree about its place.
    """
    return kaguya_tile(read_labelled(path, storage_options))


def kaguya_tile(found: LabelledImage) -> BandSequentialTile:
    """The tile of a label; errors are those of ``open_kaguya``."""
    label = found.label
    expect(label, "TARGET_NAME", "MOON", "another body")
    expect(label, "PRODUCT_SET_ID", "MI_MAP", "another product")
    square = Square.named(found.image_path())
    _check_product(label, square)
    _check_special(found.image)
    projection = label.block("IMAGE_MAP_PROJECTION")
    ppd = check_projection(projection, "SIMPLE CYLINDRICAL")
    _check_shape(found, square, ppd)
    _check_place(projection, square, ppd)
    return found.tile(
        square.name,
        KAGUYA_MI,
        _lattice(square, ppd),
        simulated="SIMULATION" in str(label.values.get("PRODUCER_ID")).upper(),
        version=square.version,
    )


def _check_product(label: Label, square: Square) -> None:
    product = label.text("PRODUCT_ID").upper()
    if product != square.name:
        raise TileError(
            f"{label.where}: PRODUCT_ID should be the file's name {square.name} but the label has "
            f"{product}; put the right label there"
        )
    if square.version not in VERSIONS:
        known = " and ".join(f"{version:02d}" for version in VERSIONS)
        raise TileError(
            f"{label.where}: lunarscale reads the versions {known} of the Kaguya MI MAP but this "
            f"is version {square.version:02d}; its counts may mean something else"
        )


def _check_special(image: Label) -> None:
    """Hold the label's invalid values, where it names them, against the camera's."""
    meaning = {count: reason.name for count, reason in KAGUYA_MI.special.items() if count < 0}
    found: dict[Value, Value] = {}
    if "INVALID_TYPE" in image.values:
        types, counts = (bare(image.value(k)) for k in ("INVALID_TYPE", "INVALID_VALUE"))
        if isinstance(types, tuple) and isinstance(counts, tuple):
            found = dict(zip(counts, types, strict=False))
    if "OUT_OF_IMAGE_BOUNDS_VALUE" in image.values:
        found[image.integer("OUT_OF_IMAGE_BOUNDS_VALUE")] = KaguyaReason.OUT_OF_BOUNDS.name
    for count, kind in found.items():
        if not isinstance(count, int) or meaning.get(count) != kind:
            should = ", ".join(f"{name} {known}" for known, name in meaning.items())
            raise TileError(
                f"{image.where}: the invalid values should be {should} but the label has "
                f"{kind} {count}"
            )


def _check_shape(found: LabelledImage, square: Square, ppd: float) -> None:
    """Hold the size against what the name's square has at the label's resolution."""
    lines, samples = found.shape()
    should = square.height * ppd, square.width * ppd
    if max(abs(lines - should[0]), abs(samples - should[1])) > ROUNDING:
        bands = len(KAGUYA_MI.wavelengths_nm)
        promised = round(should[0]) * round(should[1]) * bands * SAMPLE_BYTES
        raise TileError(
            f"{found.label.where}: {square.height} x {square.width} degrees at {ppd:g} pixels a "
            f"degree should be {bands} x {should[0]:g} x {should[1]:g} samples ({promised:,} bytes)"
            f" but the label has {bands} x {lines} x {samples} "
            f"({bands * lines * samples * SAMPLE_BYTES:,} bytes): the tile is truncated; fetch it "
            "again"
        )


def _check_place(projection: Label, square: Square, ppd: float) -> None:
    """Hold everything that the label says of its place against its name."""
    west, east = square.west, square.west + square.width - 1.0 / ppd
    should = {
        "LINE_PROJECTION_OFFSET": (square.north * ppd, 1.0),
        "MAXIMUM_LATITUDE": (square.north, ppd),
        "MINIMUM_LATITUDE": (square.south + 1.0 / ppd, ppd),
        "WESTERNMOST_LONGITUDE": (west, ppd),
        "EASTERNMOST_LONGITUDE": (east, ppd),
    }
    for keyword, (promised, pixels_a_unit) in should.items():
        stated = projection.number(keyword)
        miss = stated - promised
        if keyword.endswith("LONGITUDE"):
            miss = normalise_longitude(miss)
        if abs(miss) * pixels_a_unit > ROUNDING:
            raise TileError(
                f"{projection.where}: {keyword} of {square.name} should be {promised:.10g} but the "
                f"label has {stated:.10g}; name or label is another tile's"
            )


def _lattice(square: Square, ppd: float) -> Lattice:
    """Centred on the tile, so that a longitude wrapped about its centre finds every sample."""
    return Lattice(
        projection="simple-cylindrical",
        ppd=ppd,
        lon0=normalise_longitude(square.west + square.width / 2.0),
        line_offset=square.north * ppd + 1.0,
        sample_offset=square.width * ppd / 2.0 + 1.0,
    )
