"""Clementine UVVIS DIM tiles: PDS3 images with an attached or a detached label.

CLEM1-L-U-5-DIM-UVVIS-V1.0 (Eliason et al. 1999), volinfo.txt section 12. A tile is placed by
its projection offsets, MAP_RESOLUTION and CENTER_LONGITUDE only: the label's corner longitudes
and latitudes are not consistently corners (errata.txt).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lunarscale.bands import CLEMENTINE_UVVIS, Camera, ClementineReason
from lunarscale.errors import TileError
from lunarscale.grid.projections import Lattice
from lunarscale.moon import RADIUS_M
from lunarscale.readers.files import (
    Options,
    base_name,
    file_size,
    in_any_case,
    read_ranges,
)
from lunarscale.readers.label import Label
from lunarscale.readers.pds3 import begins_with_label, read_label
from lunarscale.readers.tile import Tile, label_hash

LABEL_SUFFIXES = (".lbl", ".lab")
SAMPLE_BYTES = 2

#: NumPy's byte order of each SAMPLE_TYPE of a signed integer (PDS Standards Reference, table 3.2).
BYTE_ORDERS = {
    "MSB_INTEGER": ">",
    "INTEGER": ">",
    "MAC_INTEGER": ">",
    "SUN_INTEGER": ">",
    "LSB_INTEGER": "<",
    "PC_INTEGER": "<",
    "VAX_INTEGER": "<",
}
_SPECIAL_KEYWORDS = {
    "NULL": ClementineReason.NULL,
    "LOW_REPR_SATURATION": ClementineReason.LOW_REPR_SATURATION,
    "LOW_INSTR_SATURATION": ClementineReason.LOW_INSTR_SATURATION,
    "HIGH_INSTR_SATURATION": ClementineReason.HIGH_INSTR_SATURATION,
    "HIGH_REPR_SATURATION": ClementineReason.HIGH_REPR_SATURATION,
}


@dataclass(frozen=True, kw_only=True)
class ClementineTile(Tile):
    """A band-sequential image of 16-bit counts at a byte of a file.

    Parameters
    ----------
    offset : int
        Byte of the first sample, counted from 0.
    byte_order : {">", "<"}
    """

    offset: int
    byte_order: str

    def read(self, lines: slice, samples: slice) -> NDArray[np.int16]:
        """Counts of a rectangle; of each band only the lines asked for are read."""
        first, last, _ = lines.indices(self.lines)
        last = max(first, last)
        line_bytes = self.samples * SAMPLE_BYTES
        bands = len(self.camera.wavelengths_nm)
        starts = [self.offset + (b * self.lines + first) * line_bytes for b in range(bands)]
        promised = (last - first) * line_bytes
        pieces = read_ranges(self.path, [(s, s + promised) for s in starts], self.storage_options)
        found = sum(map(len, pieces))
        if found != bands * promised:
            raise TileError(
                f"{self.path}: lines {first + 1}-{last} should hold {bands * promised:,} bytes in "
                f"{bands} bands but {found:,} are there; fetch the tile again"
            )
        width = len(range(self.samples)[samples])
        counts = np.empty((bands, last - first, width), dtype=np.int16)
        for band, piece in enumerate(pieces):
            plane = np.frombuffer(piece, f"{self.byte_order}i2").reshape(-1, self.samples)
            counts[band] = plane[:, samples]
        return counts


def open_clementine(path: str, storage_options: Options = None) -> ClementineTile:
    """Index one tile from its label; no count is read.

    Parameters
    ----------
    path : str
        Path or fsspec URL of an ``.img``, with its label attached or beside it (``.lbl`` or
        ``.lab``, in any case), or of a detached label. The ISIS cube label (``.lab``) that
        some copies carry beside an image with an attached label is not looked at.
    storage_options : dict, optional
        Options for fsspec.

    Raises
    ------
    TileError
        If the file is no such tile, or is shorter than its label promises.
    """
    label_path = _label_path(path, storage_options)
    label, label_bytes = read_label(label_path, storage_options)
    _check_product(label)
    image, pointer = label.block("IMAGE"), label.pointer("IMAGE")
    image_path = label_path
    if pointer.file is not None:
        image_path = _image_path(path, pointer.file, storage_options)
    camera = CLEMENTINE_UVVIS
    byte_order = _check_samples(label, image, camera)
    lines, samples = image.integer("LINES"), image.integer("LINE_SAMPLES")
    if lines < 1 or samples < 1:
        raise TileError(
            f"{label.where}: the label has {lines} lines of {samples} samples, no image"
        )
    tile = ClementineTile(
        name=label.text("PRODUCT_ID").upper(),
        path=image_path,
        camera=camera,
        lattice=_lattice(label.block("IMAGE_MAP_PROJECTION")),
        lines=lines,
        samples=samples,
        size_bytes=file_size(image_path, storage_options),
        label_sha256=label_hash(label_bytes),
        storage_options=dict(storage_options or {}),
        simulated="SIMULATION" in str(label.values.get("PRODUCER_INSTITUTION_NAME")).upper(),
        offset=pointer.byte,
        byte_order=byte_order,
    )
    _check_size(tile)
    return tile


def _label_path(path: str, options: Options) -> str:
    """The file that holds the label of ``path``: itself, or a detached one beside it."""
    if path.lower().endswith(LABEL_SUFFIXES):
        return path
    head = read_ranges(path, [(0, 4096)], options)[0]
    if begins_with_label(head):
        return path
    if not head:
        raise TileError(f"{path}: the file is empty; fetch it again")
    stem = base_name(path).rpartition(".")[0]
    beside = in_any_case(path, [stem + suffix for suffix in LABEL_SUFFIXES], options)
    if beside is None:
        raise TileError(
            f"{path}: should begin with a PDS3 label, or have one beside it ({stem}.lbl), but "
            f"begins with {head[:12]!r} and has none; it is no Clementine UVVIS tile"
        )
    return beside


def _image_path(path: str, file: str, options: Options) -> str:
    """The image that a label points to: ``path`` itself, or a file beside it in any case."""
    if base_name(path).lower() == file.lower():
        return path
    if not path.lower().endswith(LABEL_SUFFIXES):
        raise TileError(
            f"{path}: its label describes another file, {file}; put the right one there"
        )
    if (found := in_any_case(path, [file], options)) is None:
        raise TileError(f"{path}: the label describes {file}, which is not beside it; fetch it too")
    return found


def _check_product(label: Label) -> None:
    _expect(label, "TARGET_NAME", "MOON", "another body")
    data_set = label.text("DATA_SET_ID")
    if "UVVIS" not in data_set.upper():
        raise TileError(
            f"{label.where}: DATA_SET_ID should be CLEM1-L-U-5-DIM-UVVIS-V1.0 but is {data_set}; "
            "it is no Clementine UVVIS tile"
        )


def _check_samples(label: Label, image: Label, camera: Camera) -> str:
    """The byte order of the samples, once they are what the camera's are."""
    where, bands = label.where, image.integer("BANDS")
    wavelengths = label.numbers("CENTER_FILTER_WAVELENGTH")
    if bands != len(camera.wavelengths_nm) or wavelengths != camera.wavelengths_nm:
        should, found = (
            ", ".join(f"{w:g}" for w in ws) for ws in (camera.wavelengths_nm, wavelengths)
        )
        raise TileError(
            f"{where}: should have {len(camera.wavelengths_nm)} bands at {should} nm but the label "
            f"has {bands} at {found} nm; it is no such tile of the {camera.title}"
        )
    _expect(image, "BAND_STORAGE_TYPE", "BAND_SEQUENTIAL", "another layout")
    byte_order = BYTE_ORDERS.get(image.text("SAMPLE_TYPE").upper())
    bits = image.integer("SAMPLE_BITS")
    if byte_order is None or bits != 8 * SAMPLE_BYTES:
        raise TileError(
            f"{where}: samples should be 16-bit signed integers (MSB_INTEGER) but the label has "
            f"{bits}-bit {image.text('SAMPLE_TYPE')}"
        )
    scale, offset = image.number("SCALING_FACTOR"), image.number("OFFSET")
    if not math.isclose(scale, camera.scale, rel_tol=1e-6) or offset != 0:
        raise TileError(
            f"{where}: reflectance should be {camera.scale:g} x count + 0 but the label has "
            f"{scale:g} x count + {offset:g}"
        )
    meaning = {reason: count for count, reason in camera.special.items()}
    promised = {keyword: meaning[reason] for keyword, reason in _SPECIAL_KEYWORDS.items()}
    promised["VALID_MINIMUM"] = camera.valid_minimum
    for keyword, count in promised.items():
        if keyword in image.values and image.integer(keyword) != count:
            raise TileError(
                f"{where}: {keyword} should be {count} but the label has {image.integer(keyword)}"
            )
    return byte_order


def _lattice(projection: Label) -> Lattice:
    _expect(projection, "MAP_PROJECTION_TYPE", "SINUSOIDAL", "another projection")
    _expect(projection, "POSITIVE_LONGITUDE_DIRECTION", "EAST", "another projection")
    for axis in "ABC":
        radius_km = projection.number(f"{axis}_AXIS_RADIUS", units=("km",))
        if not math.isclose(radius_km * 1000.0, RADIUS_M, rel_tol=1e-9):
            raise TileError(
                f"{projection.where}: the sphere should have the radius {RADIUS_M / 1000:g} km but "
                f"the label has {axis}_AXIS_RADIUS {radius_km:g} km; it is another body's map"
            )
    lattice = Lattice(
        projection="sinusoidal",
        ppd=projection.number("MAP_RESOLUTION"),
        lon0=projection.number("CENTER_LONGITUDE"),
        line_offset=projection.number("LINE_PROJECTION_OFFSET"),
        sample_offset=projection.number("SAMPLE_PROJECTION_OFFSET"),
    )
    if not lattice.ppd > 0:
        raise TileError(
            f"{projection.where}: MAP_RESOLUTION should be positive but the label has "
            f"{lattice.ppd:g} pixels a degree"
        )
    return lattice


def _expect(block: Label, keyword: str, wanted: str, otherwise: str) -> None:
    found = block.text(keyword).upper()
    if found.replace(" ", "_") != wanted.replace(" ", "_"):
        raise TileError(
            f"{block.where}: {keyword} should be {wanted} but the label has {found}; "
            f"lunarscale reads no tile of {otherwise}"
        )


def _check_size(tile: ClementineTile) -> None:
    bands = len(tile.camera.wavelengths_nm)
    promised = bands * tile.lines * tile.samples * SAMPLE_BYTES
    found = max(tile.size_bytes - tile.offset, 0)
    if found < promised:
        raise TileError(
            f"{tile.path}: label promises {bands} x {tile.lines} x {tile.samples} samples "
            f"({promised:,} bytes) but {found:,} follow it; fetch the tile again"
        )
