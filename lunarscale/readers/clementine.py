"""Clementine UVVIS DIM tiles: PDS3 images with an attached or a detached label.

CLEM1-L-U-5-DIM-UVVIS-V1.0 (Eliason et al. 1999), volinfo.txt section 12. A tile is placed by
its projection offsets, MAP_RESOLUTION and CENTER_LONGITUDE only: the label's corner longitudes
and latitudes are not consistently corners (errata.txt).
"""

from lunarscale.bands import CLEMENTINE_UVVIS, ClementineReason
from lunarscale.errors import TileError
from lunarscale.grid.projections import Lattice
from lunarscale.readers.band_sequential import (
    BandSequentialTile,
    LabelledImage,
    check_projection,
    expect,
    read_labelled,
)
from lunarscale.readers.files import Options
from lunarscale.readers.label import Label

_SPECIAL_KEYWORDS = {
    "NULL": ClementineReason.NULL,
    "LOW_REPR_SATURATION": ClementineReason.LOW_REPR_SATURATION,
    "LOW_INSTR_SATURATION": ClementineReason.LOW_INSTR_SATURATION,
    "HIGH_INSTR_SATURATION": ClementineReason.HIGH_INSTR_SATURATION,
    "HIGH_REPR_SATURATION": ClementineReason.HIGH_REPR_SATURATION,
}


def open_clementine(path: str, storage_options: Options = None) -> BandSequentialTile:
    """Index one tile from its label; no count is read.

    Parameters are those of ``read_labelled``.

    Raises
    ------
    TileError
        If the file is no such tile, or is shorter than its label promises.
    """
    return clementine_tile(read_labelled(path, storage_options))


def clementine_tile(found: LabelledImage) -> BandSequentialTile:
    """The tile of a label.

    Raises
    ------
    TileError
        If it is no such tile, or the file is shorter than its label promises.
    """
    label = found.label
    _check_product(label)
    _check_special(found.image)
    return found.tile(
        label.text("PRODUCT_ID").upper(),
        CLEMENTINE_UVVIS,
        _lattice(label.block("IMAGE_MAP_PROJECTION")),
        simulated="SIMULATION" in str(label.values.get("PRODUCER_INSTITUTION_NAME")).upper(),
    )


def _check_product(label: Label) -> None:
    expect(label, "TARGET_NAME", "MOON", "another body")
    data_set = label.text("DATA_SET_ID")
    if "UVVIS" not in data_set.upper():
        raise TileError(
            f"{label.where}: DATA_SET_ID should be CLEM1-L-U-5-DIM-UVVIS-V1.0 but is {data_set}; "
            "it is no tile of a camera that lunarscale knows"
        )


def _check_special(image: Label) -> None:
    meaning = {reason: count for count, reason in CLEMENTINE_UVVIS.special.items()}
    promised = {keyword: meaning[reason] for keyword, reason in _SPECIAL_KEYWORDS.items()}
    promised["VALID_MINIMUM"] = CLEMENTINE_UVVIS.valid_minimum
    for keyword, count in promised.items():
        if keyword in image.values and image.integer(keyword) != count:
            raise TileError(
                f"{image.where}: {keyword} should be {count} but the label has "
                f"{image.integer(keyword)}"
            )


def _lattice(projection: Label) -> Lattice:
    return Lattice(
        projection="sinusoidal",
        ppd=check_projection(projection, "SINUSOIDAL"),
        lon0=projection.number("CENTER_LONGITUDE"),
        line_offset=projection.number("LINE_PROJECTION_OFFSET"),
        sample_offset=projection.number("SAMPLE_PROJECTION_OFFSET"),
    )
