"""What ``--by`` takes: words for groupings, masks, and polygons in GeoJSON."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import fsspec
import numpy as np
from numpy.typing import NDArray

from lunarscale.errors import RegionError, SourceError
from lunarscale.grid.groupings import Grouping
from lunarscale.grid.masks import Maria
from lunarscale.grid.raster import RasterGrid, Window
from lunarscale.readers.files import reaching
from lunarscale.readers.geojson import polygons_of
from lunarscale.readers.masks import mask_of
from lunarscale.readers.words import WORDS, grouping_of_word

_POLYGONS = (".geojson", ".json")
_MASKS = (".png", ".tif", ".tiff")
_MARIA_OF = "maria="


def read_grouping(text: str, *, storage_options: dict[str, Any] | None = None) -> Grouping:
    """The grouping that a word, path or URL stands for.

    The words are ``moon``, ``maria``, ``seas``, ``hemispheres``, ``latitude:5``, ``spa``,
    ``pkt=TABLE`` and ``cells:40000`` (``readers.words``). A ``.geojson`` or ``.json`` file gives
    regions by its polygons, a ``.png``, ``.tif`` or ``.tiff`` mask gives a group to every value,
    ``<file> = 255`` and ``<file> = 0``; ``maria=`` before a mask's path takes its values other
    than 0 for maria. A PNG spans -180..180 with square pixels, the equator in the middle.

    A grouping from a file pickles as the file's place and hash: each process reads it once.

    Parameters
    ----------
    text : str
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
    place = text.removeprefix(_MARIA_OF)
    if _suffix(place) not in (_MASKS if text != place else _POLYGONS + _MASKS):
        raise RegionError(
            f"'{text}' is no grouping: use {', '.join(WORDS)}, a .geojson file, a .png or "
            ".tif mask, or maria= and a mask"
        )
    if "://" not in place:
        place = str(Path(place).absolute())
    options = json.dumps(storage_options or {}, sort_keys=True)
    content = _fetch(place, options)
    digest = hashlib.sha256(content).hexdigest()
    return _read(place, options, digest, text.startswith(_MARIA_OF))


@dataclass(frozen=True, eq=False)
class FileGrouping:
    """A grouping read from a file, which travels as the file's place and hash.

    Parameters
    ----------
    inner : Grouping
        What was read.
    origin : tuple
        Path or URL, storage options as JSON, SHA-256 of the file, whether it draws maria.
    """

    inner: Grouping
    origin: tuple[str, str, str, bool]

    @property
    def name(self) -> str:
        """The file's name without its suffix, or ``maria``."""
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
        """Those of what was read."""
        return self.inner.kept_bytes

    def numbers(self, grid: RasterGrid, window: Window) -> NDArray[np.uint16]:
        """Group numbers of a window's pixels, ``(height, width)``; 0 is no group."""
        return self.inner.numbers(grid, window)

    def __reduce__(self) -> tuple[Callable[..., "FileGrouping"], tuple[str, str, str, bool]]:
        return _read, self.origin


@lru_cache(maxsize=4)
def _read(place: str, options: str, digest: str, draws_maria: bool) -> FileGrouping:
    """The grouping of a file that must have this hash; once a process."""
    content = _fetch(place, options)
    if hashlib.sha256(content).hexdigest() != digest:
        raise RegionError(f"{place} has changed since the run began; start the run again")
    stem = PurePosixPath(urlsplit(place).path).stem
    origin = (place, options, digest, draws_maria)
    if _suffix(place) in _POLYGONS:
        return FileGrouping(polygons_of(stem, content), origin)
    mask = mask_of(stem, content)
    return FileGrouping(Maria.from_mask(mask) if draws_maria else mask, origin)


def _suffix(place: str) -> str:
    return PurePosixPath(urlsplit(place).path).suffix.lower()


def _fetch(place: str, options: str) -> bytes:
    advice = "; give regions or a mask that is there"
    with (
        reaching(place, SourceError, advice=advice),
        fsspec.open(place, "rb", **json.loads(options)) as file,
    ):
        content: bytes = file.read()
    return content
