"""The files that make up an ESRI shapefile: beside one another in a folder, or in a zip."""

import os
import zipfile
import zlib
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path, PurePosixPath

from lunarscale.errors import RegionError

#: What a shapefile cannot do without, and why, and what is read besides.
NEEDED = {".shp": "the shapes", ".shx": "their index", ".dbf": "their names"}
WELCOME = (".prj", ".cpg")

#: Bytes that the parts of a shapefile may unfold to: none of its parts can be larger than 2 GiB.
MOST_BYTES = 1 << 32

#: A shapefile's file code, and where its header tells its length in words of 16 bits, big-endian
#: (ESRI Shapefile Technical Description, 1998, table 1).
_FILE_CODE = (9994).to_bytes(4, "big")
_LENGTH = slice(24, 28)

#: Where a dBASE header tells its number of records, its own bytes and those of a record,
#: little-endian (dBASE III and later).
_DBF = slice(4, 8), slice(8, 10), slice(10, 12)

#: What reading a file that is no whole zip, or one of another kind, raises.
_NO_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)


def packed(path: str) -> bytes:
    """A shapefile of this machine with its side files, as a zip; equal files give equal bytes.

    Raises
    ------
    FileNotFoundError
        If the ``.shp`` is not there.
    """
    shp = Path(path)
    beside = [shp.parent / name for name in sorted(os.listdir(shp.parent))]
    if shp not in beside:
        raise FileNotFoundError(path)
    wanted = [p for p in beside if p.stem == shp.stem and p.suffix.lower() in (*NEEDED, *WELCOME)]
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for part in wanted:
            # a member without a date of its own is dated 1980: the digest is the content's
            archive.writestr(zipfile.ZipInfo(part.name), part.read_bytes())
    return out.getvalue()


def shapefile_parts(
    name: str, content: bytes, choose: Callable[[list[str]], str]
) -> dict[str, bytes]:
    """The files of one shapefile in a zip, by suffix.

    Parameters
    ----------
    name : str
        The zip, for messages.
    content : bytes
        The zip.
    choose : callable
        From the names of the shapefiles in it to that of one of them.

    Raises
    ------
    RegionError
        If it is no whole zip, or the shapefile is not whole.
    """
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            members = [m for m in archive.infolist() if not m.filename.startswith("__MACOSX/")]
            paths = {m.filename: PurePosixPath(m.filename) for m in members if not m.is_dir()}
            shapes = {p.stem: p for p in paths.values() if p.suffix.lower() == ".shp"}
            if not shapes:
                raise RegionError(
                    f"{name} is a zip without a shapefile; give a .shp with its side files in it"
                )
            chosen = shapes[choose(list(shapes))].with_suffix("")
            wanted = {p.suffix.lower(): m for m, p in paths.items() if p.with_suffix("") == chosen}
            kept = {suffix: wanted[suffix] for suffix in (*NEEDED, *WELCOME) if suffix in wanted}
            size = sum(archive.getinfo(member).file_size for member in kept.values())
            if size > MOST_BYTES:
                raise RegionError(
                    f"{name}: its shapefile unfolds to {size:,} bytes, over {MOST_BYTES:,}; give a "
                    "smaller one"
                )
            parts = {suffix: archive.read(member) for suffix, member in kept.items()}
    except _NO_ZIP as error:
        raise RegionError(
            f"{name} cannot be read as a zip ({error}); fetch it again or zip it anew"
        ) from error
    _check_whole(name, parts)
    return parts


def _check_whole(name: str, parts: Mapping[str, bytes]) -> None:
    for suffix, holds in NEEDED.items():
        if suffix not in parts:
            raise RegionError(
                f"{name} lacks the shapefile's {suffix} with {holds}; a shapefile is its .shp, "
                ".shx, .dbf and .prj together"
            )
    for suffix in (".shp", ".shx"):
        if not parts[suffix].startswith(_FILE_CODE):
            raise RegionError(
                f"{name}: its {suffix} is not a shapefile's, whatever the suffix says; fetch it "
                "again"
            )
    for suffix, promised in _promised(parts).items():
        if len(parts[suffix]) < promised:
            raise RegionError(
                f"{name}: its {suffix} is cut off: it promises {promised:,} bytes but has "
                f"{len(parts[suffix]):,}; fetch it again"
            )


def _promised(parts: Mapping[str, bytes]) -> dict[str, int]:
    """How many bytes the headers say that the files have."""
    found = {s: 2 * int.from_bytes(parts[s][_LENGTH], "big") for s in (".shp", ".shx")}
    records, header, record = (int.from_bytes(parts[".dbf"][part], "little") for part in _DBF)
    return {**found, ".dbf": header + records * record}
