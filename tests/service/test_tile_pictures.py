"""Colours of counts, and the PNG that they are sent as: read back by another decoder."""

import io
import zlib

import numpy as np
import pytest
from cmcrameri import cm
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from lunarscale.errors import UnknownError
from lunarscale.flags import NO_DATA
from lunarscale.service.tiles.colours import (
    CLEAR,
    COLOURS,
    PALETTES,
    colours_of,
    in_hex,
    index_table,
    lines_of,
    require_palette,
)
from lunarscale.service.tiles.png import indexed_png

COUNTS = np.arange(-(2**15), 2**15, dtype=np.int64)


def after_zeros(indices: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Each line after a zero."""
    return np.pad(indices, ((0, 0), (1, 0)))


@pytest.mark.parametrize("shape", [(256, 256), (512, 512), (1, 3)])
def test_another_decoder_reads_the_colours_that_went_in(shape: tuple[int, int]) -> None:
    indices = np.random.default_rng(6).integers(0, 256, shape).astype(np.uint8)
    with Image.open(io.BytesIO(indexed_png(after_zeros(indices), "batlow"))) as picture:
        assert picture.mode == "P"
        shown = np.asarray(picture.convert("RGBA"))
    is_clear = indices == CLEAR
    assert np.array_equal(shown[:, :, 3], np.where(is_clear, 0, 255))
    expected = colours_of("batlow")[indices.astype(int) - 1]
    assert np.array_equal(shown[~is_clear][:, :3], expected[~is_clear])


def test_each_piece_of_a_png_has_its_checksum() -> None:
    blob = indexed_png(np.zeros((4, 5), np.uint8), "vik")
    at, kinds = 8, []
    while at < len(blob):
        size = int.from_bytes(blob[at : at + 4], "big")
        kind, content = blob[at + 4 : at + 8], blob[at + 8 : at + 8 + size]
        assert int.from_bytes(blob[at + 8 + size : at + 12 + size], "big") == zlib.crc32(
            kind + content
        )
        kinds.append(kind)
        at += 12 + size
    assert kinds == [b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"]


@given(
    st.sampled_from([0.005, 1e-4, 1.0]),
    st.floats(-200, 200),
    st.floats(0.01, 300),
)
def test_the_table_is_the_formula_at_every_count(quantum: float, low: float, span: float) -> None:
    high = low + span
    counts = COUNTS.astype(np.int16)
    lines = lines_of(counts.reshape(256, 256), index_table(quantum, low, high))
    assert (lines[:, 0] == 0).all()
    table = lines[:, 1:].ravel()
    values = COUNTS * quantum
    has_value = COUNTS != NO_DATA
    assert table[~has_value].tolist() == [CLEAR]
    assert (table[has_value] >= 1).all()
    assert (table[has_value & (values <= low)] == 1).all()
    assert (table[has_value & (values >= high)] == COLOURS).all()
    assert (np.diff(table[has_value].astype(int)) >= 0).all(), "larger values, later colours"
    inside = has_value & (values > low) & (values < high)
    places = (values[inside] - low) / span * COLOURS
    assert (np.abs(places - (table[inside] - 0.5)) <= 0.5 + 1e-6).all()


def test_palettes_are_matplotlibs_to_half_a_step() -> None:
    assert {"batlow", "vik"} <= set(PALETTES)
    for name in PALETTES:
        assert len(np.unique(colours_of(name), axis=0)) > 200
    expected = cm.batlow((np.arange(COLOURS) + 0.5) / COLOURS)[:, :3] * 255
    assert np.abs(colours_of("batlow") - expected).max() <= 0.5
    light = colours_of("grayC").sum(axis=1)
    assert light[0] < light[-1], "bright ground is bright"
    assert in_hex("batlow")[0] == "#" + colours_of("batlow")[0].tobytes().hex()
    assert len(in_hex("batlow", 16)) == 16


def test_a_palette_that_there_is_none_of_is_told() -> None:
    for name in ("jet", "batlow_r", "../cm", "__class__", ""):
        with pytest.raises(UnknownError, match="palette"):
            require_palette(name)
