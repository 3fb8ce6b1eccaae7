"""What ``--by`` takes: words for groupings, files of polygons, and masks."""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import fsspec
import numpy as np
from numpy.typing import NDArray

from lunarscale.errors import RegionError, SourceError
from lunarscale.grid.coverage import CoveredMaria, CoveredPolygons
from lunarscale.grid.groupings import Covering, Grouping, Pieces
from lunarscale.grid.masks import Maria
from lunarscale.grid.polygons import PolygonGrouping
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.readers.files import reaching
from lunarscale.readers.geojson import geojson_grouping
from lunarscale.readers.masks import mask_of
from lunarscale.readers.polygon_files import geopackage_grouping, shapefile_grouping
from lunarscale.readers.shapefiles import packed
from lunarscale.readers.wanted import Wanted
from lunarscale.readers.words import WORDS, grouping_of_word

#: How a file of polygons is read, by suffix; a shapefile comes packed with its side files.
_POLYGONS: dict[str, Callable[[str, bytes, Wanted], PolygonGrouping]] = {
    ".geojson": geojson_grouping,
    ".json": geojson_grouping,
    ".gpkg": geopackage_grouping,
    ".shp": shapefile_grouping,
    ".zip": shapefile_grouping,
}
_MASKS = (".png", ".tif", ".tiff")

#: Memory that reading a file of polygons takes at its peak, in parts of what is kept of it, halved
#: because the plan counts all that is kept twice. Measured 2.7 and 7.9 times, with 2.6 million and
#: 560,000 vertices; JSON makes an object of every number.
_READING = {**dict.fromkeys(_POLYGONS, 1.5), ".geojson": 4.5, ".json": 4.5}

#: ``regions.gpkg#layer[COLUMN]``: a file of polygons, and what of it.
_OF_A_FILE = re.compile(
    rf"(?P<place>.+?({'|'.join(map(re.escape, _POLYGONS))})(\?[^#\[\]]*)?)"
    r"(#(?P<layer>[^\[\]]+))?(\[(?P<column>[^\[\]]+)\])?",
    re.IGNORECASE,
)

#: Files whose groupings a process keeps; more than a run is asked for.
KEPT_FILES = 16


class Origin(NamedTuple):
    """Where a grouping comes from: what a process needs to read it again.

    Parameters
    ----------
    place : str
        Path or URL.
    options : str
        Options for fsspec, as JSON.
    draws : {"", "maria", "seas"}
        Whether all its polygons or values are maria, or each one a sea.
    wanted : Wanted
        Layer and column of a file of polygons.
    coverage : bool
        Whether pixels on a polygon's border count by their shares.
    """

    place: str
    options: str
    draws: str
    wanted: Wanted
    coverage: bool


def read_grouping(
    text: str, *, coverage: bool = False, storage_options: dict[str, Any] | None = None
) -> Grouping:
    """The grouping that a word, path or URL stands for.

    The words are ``moon``, ``maria``, ``seas``, ``hemispheres``, ``latitude:5``, ``spa``,
    ``pkt=TABLE`` and ``cells:40000`` (``readers.words``).

    A file of polygons gives its regions: ``.geojson`` or ``.json``, ``.gpkg``, ``.shp`` with its
    side files, or those in a ``.zip``. ``regions.gpkg#basins`` takes the layer ``basins`` (of a
    zip, its shapefile of that name), ``maria.shp[MARE_NAME]`` names the regions by that column,
    and ``regions.gpkg#basins[title]`` does both; by default the first of
    ``readers.wanted.NAME_COLUMNS`` that there is names them. ``maria=`` before the file takes all
    its polygons for maria and what they leave for non-maria, ``seas=`` each name for a sea.

    A ``.png``, ``.tif`` or ``.tiff`` mask gives a group to every value, ``<file> = 255`` and
    ``<file> = 0``; ``maria=`` before a mask takes its values other than 0 for maria. A PNG spans
    -180..180 with square pixels, the equator in the middle.

    A grouping from a file pickles as the file's place and hash: each process reads it once.

    Parameters
    ----------
    text : str
    coverage : bool
        Whether pixels on the border of polygons count by their exact shares (``Covering``) and
        not by their centres; words and masks know no shares.
    storage_options : dict, optional
        Options for fsspec.

    Raises
    ------
    SourceError
        If the file is not there or cannot be read.
    RegionError
        If the text or the file does not describe parts of the Moon.
    """
    named = grouping_of_word(text, storage_options=storage_options)
    if named is not None:
        return named
    options = json.dumps(storage_options or {}, sort_keys=True)
    origin = _origin(text, options, coverage)
    return _read(origin, hashlib.sha256(_fetch(origin)).hexdigest())


def _origin(text: str, options: str, coverage: bool) -> Origin:
    """What a text says that is no word."""
    draws, equals, rest = text.partition("=")
    if not equals or draws not in ("maria", "seas"):
        draws, rest = "", text
    polygons = _OF_A_FILE.fullmatch(rest)
    if polygons is None and (draws == "seas" or _suffix(rest) not in _MASKS):
        raise RegionError(
            f"'{text}' is no grouping: use {', '.join(WORDS)}, polygons in a "
            f"{', '.join(_POLYGONS)} file, a .png or .tif mask, maria= and polygons or a mask, or "
            "seas= and polygons"
        )
    place = polygons["place"] if polygons else rest
    wanted = Wanted(polygons["layer"] or "", polygons["column"] or "") if polygons else Wanted()
    if "://" not in place:
        place = str(Path(place).absolute())
    return Origin(place, options, draws, wanted, coverage and polygons is not None)


@dataclass(frozen=True, eq=False)
class FileGrouping:
    """A grouping read from a file, which travels as the file's place and hash.

    Parameters
    ----------
    inner : Grouping
        What was read.
    origin : Origin
    content : str
        SHA-256 of the file.
    """

    inner: Grouping
    origin: Origin
    content: str

    @property
    def name(self) -> str:
        """The file's name without its suffix, ``maria`` or ``seas``."""
        return self.inner.name

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the regions or values."""
        return self.inner.groups

    @property
    def digest(self) -> str:
        """SHA-256 of what the file says."""
        return self.inner.digest

    @property
    def kept_bytes(self) -> int:
        """Those of what was read, or what reading it takes at its peak."""
        return round(self.inner.kept_bytes * _READING.get(_suffix(self.origin.place), 1.0))

    def numbers(self, grid: RasterGrid, window: Window) -> NDArray[np.uint16]:
        """Group numbers of a window's pixels, ``(height, width)``; 0 is no group."""
        return self.inner.numbers(grid, window)

    def require_within(self, grid: RasterGrid) -> None:
        """Make sure that polygons touch a map.

        Raises
        ------
        RegionError
            If none does.
        """
        drawn = self.inner.of if isinstance(self.inner, Maria) else self.inner
        if isinstance(drawn, PolygonGrouping):
            drawn.require_within(grid)

    def __reduce__(self) -> tuple[Callable[..., "FileGrouping"], tuple[Origin, str]]:
        return _read, (self.origin, self.content)


class CoveringFile(FileGrouping):
    """Polygons read from a file whose pixels on a border count by their shares."""

    @property
    def centred(self) -> FileGrouping:
        """The same file by pixels' centres."""
        return _read(self.origin._replace(coverage=False), self.content)

    def pieces(self, grid: RasterGrid, window: Window) -> Pieces:
        """The parts of the pixels that borders cut."""
        assert isinstance(self.inner, Covering)
        return self.inner.pieces(grid, window)


@lru_cache(maxsize=KEPT_FILES)
def _read(origin: Origin, content: str) -> FileGrouping:
    """The grouping of a file that must have this hash; once a process."""
    if _suffix(origin.place) not in _POLYGONS:
        mask = mask_of(_path(origin.place).stem, _content(origin, content))
        return FileGrouping(Maria.from_mask(mask) if origin.draws else mask, origin, content)
    polygons = _polygons(origin._replace(draws="", coverage=False), content)
    if origin.draws == "seas":
        polygons = replace(polygons, name="seas")
    if not origin.coverage:
        drawn: Grouping = Maria.from_outlines(polygons) if origin.draws == "maria" else polygons
        return FileGrouping(drawn, origin, content)
    covered = CoveredPolygons(polygons.name, polygons.groups, polygons.polygons)
    return CoveringFile(
        CoveredMaria.from_outlines(covered) if origin.draws == "maria" else covered, origin, content
    )


@lru_cache(maxsize=KEPT_FILES)
def _polygons(origin: Origin, content: str) -> PolygonGrouping:
    """What a file draws, whatever is made of it: maria and seas of one file are read once."""
    read = _POLYGONS[_suffix(origin.place)]
    return read(_path(origin.place).stem, _content(origin, content), origin.wanted)


def _content(origin: Origin, content: str) -> bytes:
    """A file's bytes, which must have this hash."""
    found = _fetch(origin)
    if hashlib.sha256(found).hexdigest() != content:
        raise RegionError(f"{origin.place} has changed since the run began; start the run again")
    return found


def _suffix(place: str) -> str:
    return _path(place).suffix.lower()


def _path(place: str) -> PurePosixPath:
    """The place without a URL's query."""
    return PurePosixPath(place.partition("?")[0] if "://" in place else place)


def _fetch(origin: Origin) -> bytes:
    place, bare = origin.place, _suffix(origin.place) == ".shp"
    if bare and "://" in place:
        raise RegionError(
            f"{place}: a shapefile is several files; give a .zip of them, or fetch them all"
        )
    with reaching(place, SourceError, advice="; give regions or a mask that is there"):
        if bare:
            return packed(place)
        with fsspec.open(place, "rb", **json.loads(origin.options)) as file:
            content: bytes = file.read()
    return content
