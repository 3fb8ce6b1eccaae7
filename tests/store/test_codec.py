"""A codec in one word: what is read is what is packed, and what Blosc lacks is refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st
from maps_at_hand import described_by

from lunarscale.bands import CLEMENTINE_UVVIS
from lunarscale.engine.run import existing
from lunarscale.errors import FormatError, ParametersError
from lunarscale.grid.raster import RasterGrid
from lunarscale.store.codec import USUAL_CODEC, Codec
from lunarscale.store.cube import Cube
from lunarscale.store.layout import Layout
from lunarscale.store.location import Location
from lunarscale.store.shard import Compressor, Filter

CODECS = st.builds(
    Codec,
    st.sampled_from(get_args(Compressor)),
    st.integers(0, 9),
    st.sampled_from(["auto", *get_args(Filter)]),
)


def layout(codec: str = USUAL_CODEC) -> Layout:
    return Layout(
        "mosaic", RasterGrid(64, 0, 0, 32, 64), 32, 16, CLEMENTINE_UVVIS.name, codec=codec
    )


@given(CODECS)
def test_a_codec_reads_back(codec: Codec) -> None:
    assert Codec.of(str(codec)) == codec


def test_what_is_left_away_is_the_usual() -> None:
    assert str(Codec.of("LZ4")) == USUAL_CODEC == "lz4:5:auto"
    assert Codec.of("zstd:1") == ("zstd", 1, "auto")


@pytest.mark.parametrize(
    "word", ["", "gzip:1:shuffle", "zstd:10", "zstd:-1", "lz4:5:rot13", "lz4:5:shuffle:2", "lz4::"]
)
def test_what_blosc_lacks_is_refused(word: str) -> None:
    with pytest.raises(FormatError, match="lz4:5:auto; the compressors are lz4, "):
        Codec.of(word)


def test_the_usual_codec_is_not_named_and_any_other_is() -> None:
    assert "codec" not in layout().to_attributes()
    other = layout("zstd:1:bitshuffle")
    told = json.loads(json.dumps(other.to_attributes()))
    assert Layout.from_attributes(told, "a test") == other
    assert {spec.packing.cname for spec in other.arrays()} == {"zstd"}


def test_each_array_has_its_own_filter_unless_one_is_named() -> None:
    assert [spec.packing.shuffle for spec in layout().arrays()] == ["shuffle", "noshuffle"]
    maps = replace(layout(), kind="maps", layers=(described_by("FeO_x"),))
    assert [spec.packing.shuffle for spec in maps.arrays()] == ["bitshuffle", "noshuffle"]
    named = replace(maps, codec="lz4:9:shuffle")
    assert {(spec.packing.clevel, spec.packing.shuffle) for spec in named.arrays()} == {
        (9, "shuffle")
    }


def test_a_store_from_before_there_were_own_filters_is_gone_on_with(tmp_path: Path) -> None:
    """Its objects are behind a byte shuffle; a frame says itself what it is behind."""
    location = Location(str(tmp_path / "m.zarr"))
    cube = Cube.create(location, layout(), {})
    counts = np.arange(32 * 32, dtype=np.int16).reshape(32, 32)
    window = next(cube.grid.window.split(32))
    with cube.writing("flag", window) as writer:
        writer.layout = replace(writer.layout, shuffle="shuffle")
        for chunk in window.split(16):
            at = chunk.row // 16, chunk.col // 16
            writer.put(*at, counts[chunk.slices].astype(np.uint16))
    np.testing.assert_array_equal(cube.read("flag", window), counts)
    array = zarr.open_array(location.url, path="flag", mode="r")
    np.testing.assert_array_equal(array[:32, :32], counts)
    assert existing(location, layout(), overwrite=False) is not None


def test_zarr_reads_what_another_codec_packed(tmp_path: Path) -> None:
    cube = Cube.create(Location(str(tmp_path / "m.zarr")), layout("zstd:3:bitshuffle"), {})
    counts = np.arange(32 * 32, dtype=np.int16).reshape(32, 32)
    window = next(cube.grid.window.split(32))
    with cube.writing("reflectance", window, 0) as writer:
        for chunk in window.split(16):
            writer.put(chunk.row // 16, chunk.col // 16, counts[chunk.slices])
    array = zarr.open_array(cube.location.url, path="reflectance", mode="r")
    assert np.array_equal(array[0, :32, :32], counts)


def test_a_store_of_another_codec_is_not_gone_on_with(tmp_path: Path) -> None:
    location = Location(str(tmp_path / "m.zarr"))
    Cube.create(location, layout(), {})
    assert existing(location, layout(), overwrite=False) is not None
    with pytest.raises(ParametersError, match="made with codec lz4:5:auto but zstd:1"):
        existing(location, layout("zstd:1:shuffle"), overwrite=False)
