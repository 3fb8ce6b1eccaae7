"""What the PDS3 tiles of all cameras share: label and image found, checked, and read by lines."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lunarscale.bands import Camera
from lunarscale.errors import TileError
from lunarscale.grid.projections import Lattice
from lunarscale.moon import RADIUS_M
from lunarscale.readers.files import (
    Options,
    base_name,
    file_size,
    in_any_case,
    read_into,
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


@dataclass(frozen=True, kw_only=True)
class BandSequentialTile(Tile):
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
        counts, _ = self.raw(lines, samples)
        return np.ascontiguousarray(counts[:, :, samples], dtype=np.int16)

    def raw(self, lines: slice, samples: slice) -> tuple[NDArray[np.int16], int]:
        """Whole lines of a rectangle, as they lie in the file."""
        first, last, _ = lines.indices(self.lines)
        last = max(first, last)
        line_bytes = self.samples * SAMPLE_BYTES
        bands = len(self.camera.wavelengths_nm)
        starts = [self.offset + (b * self.lines + first) * line_bytes for b in range(bands)]
        counts = np.empty((bands, last - first, self.samples), f"{self.byte_order}i2")
        found = read_into(self.path, starts, list(counts), self.storage_options)
        if found != counts.nbytes:
            raise TileError(
                f"{self.path}: lines {first + 1}-{last} should hold {counts.nbytes:,} bytes in "
                f"{bands} bands but {found:,} are there; fetch the tile again"
            )
        return counts, 0

    def check_size(self) -> None:
        """Hold the file's size against the label.

        Raises
        ------
        TileError
            If the file is shorter than the label promises.
        """
        bands = len(self.camera.wavelengths_nm)
        promised = bands * self.lines * self.samples * SAMPLE_BYTES
        found = max(self.size_bytes - self.offset, 0)
        if found < promised:
            raise TileError(
                f"{self.path}: label promises {bands} x {self.lines} x {self.samples} samples "
                f"({promised:,} bytes) but {found:,} follow it; fetch the tile again"
            )


@dataclass(frozen=True)
class LabelledImage:
    """A PDS3 label and the file by which it was found.

    Parameters
    ----------
    label : Label
    label_bytes : bytes
        The label up to and with its END.
    path : str
        File that the user named.
    storage_options : dict or None
        Options for fsspec.
    """

    label: Label
    label_bytes: bytes
    path: str
    storage_options: Options

    @property
    def image(self) -> Label:
        """The label's IMAGE object."""
        return self.label.block("IMAGE")

    def image_path(self) -> str:
        """The file that holds the image; TileError if it is not there."""
        file = self.label.pointer("IMAGE").file
        return (
            self.label.where if file is None else _image_path(self.path, file, self.storage_options)
        )

    def shape(self) -> tuple[int, int]:
        """Lines and samples; TileError if there are none."""
        lines, samples = self.image.integer("LINES"), self.image.integer("LINE_SAMPLES")
        if lines < 1 or samples < 1:
            raise TileError(
                f"{self.label.where}: the label has {lines} lines of {samples} samples, no image"
            )
        return lines, samples

    def tile(self, name: str, camera: Camera, lattice: Lattice, **facts: Any) -> BandSequentialTile:
        """The image as a tile of a camera.

        Parameters
        ----------
        name : str
            Product name.
        camera : Camera
        lattice : Lattice
        **facts
            ``simulated`` and ``version`` of the tile.

        Raises
        ------
        TileError
            If samples, bands or scale are not the camera's, or the file is shorter than its label
            promises.
        """
        byte_order, (lines, samples) = _check_samples(self, camera), self.shape()
        path = self.image_path()
        tile = BandSequentialTile(
            name=name,
            path=path,
            camera=camera,
            lattice=lattice,
            lines=lines,
            samples=samples,
            size_bytes=file_size(path, self.storage_options),
            label_sha256=label_hash(self.label_bytes),
            storage_options=dict(self.storage_options or {}),
            offset=self.label.pointer("IMAGE").byte,
            byte_order=byte_order,
            **facts,
        )
        tile.check_size()
        return tile


def read_labelled(path: str, storage_options: Options = None) -> LabelledImage:
    """The label of an image, attached to it or beside it.

    Parameters
    ----------
    path : str
        Path or fsspec URL of an ``.img``, with its label attached or beside it (``.lbl`` or
        ``.lab``, in any case), or of a detached label. A label beside an image that has one
        attached (the ISIS ``.lab`` of some copies) is not looked at.
    storage_options : dict, optional
        Options for fsspec.

    Raises
    ------
    TileError
        If the label is not there, or is malformed.
    """
    label, label_bytes = read_label(_label_path(path, storage_options), storage_options)
    return LabelledImage(label, label_bytes, path, storage_options)


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
            f"begins with {head[:12]!r} and has none; it is no Clementine UVVIS "
            "tile and no Kaguya MI tile"
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


def expect(block: Label, keyword: str, wanted: str, otherwise: str) -> None:
    """Hold a keyword against the text it should have; case, and blank or underscore, are free.

    Raises
    ------
    TileError
        Naming both; ``otherwise`` says whose tile it would be.
    """
    found = block.text(keyword).upper()
    if found.replace(" ", "_") != wanted.replace(" ", "_"):
        raise TileError(
            f"{block.where}: {keyword} should be {wanted} but the label has {found}; "
            f"lunarscale reads no tile of {otherwise}"
        )


def _check_samples(found: LabelledImage, camera: Camera) -> str:
    """The byte order of the samples, once bands, layout, number type and scale are the camera's."""
    label, image, where = found.label, found.image, found.label.where
    bands, wavelengths = image.integer("BANDS"), _wavelengths(label)
    if bands != len(camera.wavelengths_nm) or wavelengths != camera.wavelengths_nm:
        should, has = (
            ", ".join(f"{w:g}" for w in ws) for ws in (camera.wavelengths_nm, wavelengths)
        )
        raise TileError(
            f"{where}: should have {len(camera.wavelengths_nm)} bands at {should} nm but the label "
            f"has {bands} at {has} nm; it is no such tile of the {camera.title}"
        )
    expect(image, "BAND_STORAGE_TYPE", "BAND_SEQUENTIAL", "another layout")
    byte_order = BYTE_ORDERS.get(image.text("SAMPLE_TYPE").upper())
    bits = image.integer("SAMPLE_BITS")
    if byte_order is None or bits != 8 * SAMPLE_BYTES:
        raise TileError(
            f"{where}: samples should be 16-bit signed integers (MSB_INTEGER) but the label has "
            f"{bits}-bit {image.text('SAMPLE_TYPE')}"
        )
    scale = image.number("SCALING_FACTOR")
    offset = image.number("OFFSET") if "OFFSET" in image.values else 0.0
    if not math.isclose(scale, camera.scale, rel_tol=1e-6) or offset != 0:
        raise TileError(
            f"{where}: reflectance should be {camera.scale:g} x count + 0 but the label has "
            f"{scale:g} x count + {offset:g}"
        )
    return byte_order


def _wavelengths(label: Label) -> tuple[float, ...]:
    keyword = "CENTER_FILTER_WAVELENGTH"
    return label.holder(keyword).numbers(keyword)


def check_projection(projection: Label, name: str) -> float:
    """The pixels a degree, once the projection has this name and is of the Moon's sphere.

    Raises
    ------
    TileError
        If it is another projection or sphere, or the resolution is none.
    """
    expect(projection, "MAP_PROJECTION_TYPE", name, "another projection")
    expect(projection, "POSITIVE_LONGITUDE_DIRECTION", "EAST", "another projection")
    for axis in "ABC":
        radius_km = projection.number(f"{axis}_AXIS_RADIUS", units=("km",))
        if not math.isclose(radius_km * 1000.0, RADIUS_M, rel_tol=1e-9):
            raise TileError(
                f"{projection.where}: the sphere should have the radius {RADIUS_M / 1000:g} km but "
                f"the label has {axis}_AXIS_RADIUS {radius_km:g} km; it is another body's map"
            )
    ppd = projection.number("MAP_RESOLUTION")
    if not ppd > 0:
        raise TileError(
            f"{projection.where}: MAP_RESOLUTION should be positive but the label has "
            f"{ppd:g} pixels a degree"
        )
    return ppd
