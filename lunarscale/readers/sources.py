"""From what a user names (files, folders, globs, URLs) to an index of tiles."""

import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from glob import has_magic
from typing import Any, TypeVar

from lunarscale.errors import SourceError, TileError
from lunarscale.readers.band_sequential import LABEL_SUFFIXES, read_labelled
from lunarscale.readers.clementine import clementine_tile
from lunarscale.readers.files import (
    Options,
    base_name,
    file_system,
    is_local,
    kind_of,
    reaching,
    require_file,
)
from lunarscale.readers.kaguya import is_kaguya, kaguya_tile
from lunarscale.readers.tile import Tile

Result = TypeVar("Result")

IMAGE_SUFFIXES = (".img",)
GEOTIFF_SUFFIXES = (".tif", ".tiff")
TILE_SUFFIXES = IMAGE_SUFFIXES + GEOTIFF_SUFFIXES

#: Files asked for at a time; the answers of a remote source take milliseconds.
THREADS = 16
#: A tile's own detached label is told from an archive's other labels by its product name.
_PRODUCT = re.compile(r"ui\d\d[ns]\d{3}|mi_map_\d\d_", re.IGNORECASE)
_MD5_LINE = re.compile(r"\\?([0-9a-fA-F]{32})[ \t]+\*?(\S.*?)\s*")


@dataclass(frozen=True)
class Index:
    """What some sources hold.

    Parameters
    ----------
    tiles : tuple of Tile
        In the order in which they are laid down (``Tile.order``).
    problems : tuple of TileError
        One for each file that should have been a tile, in the order of the files' paths.
    """

    tiles: tuple[Tile, ...]
    problems: tuple[TileError, ...]


def index_sources(sources: Iterable[str], *, storage_options: Options = None) -> Index:
    """Index the tiles of some sources by reading labels only.

    Parameters
    ----------
    sources : iterable of str
        Each a file, a folder (with all folders inside), a glob, or an fsspec URL of one of
        these. In a folder every ``.img``, ``.tif`` and ``.tiff``, in any case, should be a
        tile; labels and an archive's other files are none, but a tile's own label (``.lbl``)
        whose image is missing is a problem. A file named itself is always taken for a tile.
        A product that lies in two places is kept once for each.
    storage_options : dict, optional
        Options for fsspec.

    Raises
    ------
    SourceError
        If a source is not there, cannot be reached, or holds nothing that should be a tile.
    """
    found = {path for source in sources for path in _candidates(str(source), storage_options)}

    def attempt(path: str) -> Tile | TileError:
        try:
            return _open_tile(path, storage_options)
        except TileError as problem:
            return problem

    opened = _each(attempt, sorted(found))
    # a detached label and its image, both named, are one tile: hence by path
    tiles = {tile.path: tile for tile in opened if isinstance(tile, Tile)}
    return Index(
        tiles=tuple(sorted(tiles.values(), key=lambda tile: tile.order)),
        problems=tuple(problem for problem in opened if isinstance(problem, TileError)),
    )


def _open_tile(path: str, options: Options) -> Tile:
    if is_local(path):
        require_file(path)
    if path.lower().endswith(GEOTIFF_SUFFIXES):
        from lunarscale.readers.geotiff import open_geotiff  # GDAL is loaded only for GeoTIFFs

        return open_geotiff(path, options)
    if path.lower().endswith(IMAGE_SUFFIXES + LABEL_SUFFIXES):
        found = read_labelled(path, options)
        return kaguya_tile(found) if is_kaguya(found.label) else clementine_tile(found)
    suffixes = ", ".join(TILE_SUFFIXES + LABEL_SUFFIXES)
    raise TileError(f"{path}: a tile's name should end in {suffixes}; name the tile or its folder")


def _each(function: Callable[[str], Result], paths: list[str]) -> list[Result]:
    """A function's results for some files, in their order; in threads where a file is remote."""
    if all(map(is_local, paths)):
        return [function(path) for path in paths]
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(function, paths))


def _candidates(source: str, options: Options) -> list[str]:
    """The files of one source that should be tiles, as absolute paths or as URLs."""
    with reaching(source, SourceError, advice="; check the path or URL and its options"):
        fs, inner = file_system(source, options)
        kind = kind_of(source, options)
        # to HTTP every folder is a file, and asking it otherwise fetches all of a real one
        a_file = source.lower().endswith(TILE_SUFFIXES + LABEL_SUFFIXES) or not fs.isdir(inner)
        if kind == "file" and a_file:
            return [_spelled(fs, inner, source)]
        if kind is not None:
            walk = fs.walk(inner, on_error="raise")
            files = [f"{folder.rstrip('/')}/{name}" for folder, _, names in walk for name in names]
        elif has_magic(inner):
            files = [path for path in fs.glob(inner) if fs.isfile(path)]
        else:
            raise SourceError(f"{source}: there is no such file or folder; check the path or URL")
    tiles = list(_tiles_among(files))
    if not tiles:
        holds = f"{len(files):,} files but none" if files else "no file, so none"
        raise SourceError(
            f"{source}: holds {holds} that should be a tile ({', '.join(TILE_SUFFIXES)}); "
            "name the folder with the archive's data"
        )
    return [_spelled(fs, path, source) for path in tiles]


def _tiles_among(files: list[str]) -> Iterator[str]:
    """Images and GeoTIFFs, and labels of products that have no image among the files."""
    images = {path.lower().rpartition(".")[0] for path in files if path.lower().endswith(".img")}
    for path in files:
        name, lower = base_name(path), path.lower()
        if name.startswith("."):  # the shadow files that macOS leaves on foreign disks
            continue
        alone = lower.endswith(".lbl") and lower.rpartition(".")[0] not in images
        if lower.endswith(TILE_SUFFIXES) or (alone and _PRODUCT.match(name)):
            yield path


def _spelled(fs: Any, inner: str, source: str) -> str:
    """A file system's path as a user would name it: absolute, or with its protocol."""
    return inner if is_local(source) else str(fs.unstrip_protocol(inner))


def verify_md5(index: Index, list_path: str, *, storage_options: Options = None) -> Index:
    """Hold the tiles' files against a list of MD5 sums, by file name in any case.

    Parameters
    ----------
    index : Index
    list_path : str
        Path or URL of a list in the archive's form (CSV with the columns ``file`` and
        ``checksum``, as ``uvvis_md5.csv``) or in that of ``md5sum``.
    storage_options : dict, optional
        Options for fsspec, for the list; the tiles have their own.

    Returns
    -------
    Index
        Without the tiles whose sum differs, that are not listed or cannot be read, and with a
        problem for each of them: what failed must not be laid.

    Raises
    ------
    SourceError
        If the list is not there, or is none.
    """
    sums = _read_sums(list_path, storage_options)
    tiles = {tile.path: tile for tile in index.tiles}

    def check(path: str) -> TileError | None:
        promised = sums.get(base_name(path).lower())
        if promised is None:
            return TileError(f"{path}: its name is not in the list of MD5 sums {list_path}")
        try:
            found = _md5(path, tiles[path].storage_options)
        except TileError as problem:
            return problem
        if found == promised:
            return None
        return TileError(
            f"{path}: {list_path} promises the MD5 sum {promised} but the file has {found}; "
            "fetch the tile again"
        )

    verdicts = dict(zip(tiles, _each(check, list(tiles)), strict=True))
    return Index(
        tiles=tuple(tile for tile in index.tiles if verdicts[tile.path] is None),
        problems=(*index.problems, *(v for v in verdicts.values() if v is not None)),
    )


def _md5(path: str, options: Options) -> str:
    with reaching(path):
        fs, inner = file_system(path, options)
        with fs.open(inner, "rb") as file:
            digest = hashlib.md5(usedforsecurity=False)
            while block := file.read(2**20):
                digest.update(block)
            return digest.hexdigest()


def _read_sums(path: str, options: Options) -> dict[str, str]:
    """MD5 sum, in lower case, of each file name, in lower case."""
    with reaching(path, SourceError, advice="; name a list of MD5 sums"):
        fs, inner = file_system(path, options)
        text = bytes(fs.cat_file(inner)).decode("utf-8-sig")
    rows = csv.DictReader(io.StringIO(text))
    if {"file", "checksum"} <= set(rows.fieldnames or ()):
        pairs = [(row["file"] or "", row["checksum"] or "") for row in rows]
    else:
        lines = [_MD5_LINE.fullmatch(line) for line in text.splitlines() if line.strip()]
        pairs = [(match[2], match[1]) for match in lines if match]
        if not lines or len(pairs) != len(lines):
            raise SourceError(
                f"{path}: a list of MD5 sums should have the columns file and checksum, or lines "
                "of a sum and a name as md5sum writes them; it has neither"
            )
    return {base_name(file).lower(): checksum.lower() for file, checksum in pairs}
