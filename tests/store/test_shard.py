"""Our shard codec against zarr-python both ways, and against every kind of damage."""

import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import google_crc32c
import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from numcodecs import blosc
from numpy.typing import NDArray
from zarr.core.buffer import cpu, default_buffer_prototype
from zarr.core.sync import sync

from lunarscale.errors import TornError
from lunarscale.store.objects import HeldBlob, HeldUpload
from lunarscale.store.shard import NOTHING, ShardLayout, ShardReader, ShardWriter, is_constant

FILLS = {"int16": -32768, "uint8": 1, "uint16": 0b001_001_001_001_001}
DTYPES = st.sampled_from(sorted(FILLS))
KINDS = st.sampled_from(["noise", "steps", "fill", "holes"])


def values_of(kind: str, shape: tuple[int, int], *, layout: ShardLayout, seed: int) -> NDArray[Any]:
    """Incompressible, compressible, absent, or in part absent values of an array."""
    rng = np.random.default_rng(seed)
    info = np.iinfo(layout.dtype)
    noise = rng.integers(info.min, info.max, shape, dtype=layout.dtype, endpoint=True)
    if kind == "noise":
        return noise
    if kind == "steps":
        return (np.add.outer(*map(np.arange, shape)) // 3 % 100).astype(layout.dtype)
    values = np.full(shape, layout.fill_value, layout.dtype)
    if kind == "holes":  # whole chunks are fill, others are not
        for row in range(0, shape[0], layout.chunk):
            for col in range(0, shape[1], layout.chunk):
                part = np.s_[row : row + layout.chunk, col : col + layout.chunk]
                if rng.random() < 0.5:
                    values[part] = noise[part]
    return values


def pieces(shape: tuple[int, int], edge: int) -> list[tuple[int, int, tuple[slice, slice]]]:
    """Row and column, counted in squares of ``edge`` pixels, and slices of each square."""
    return [
        (row // edge, col // edge, np.s_[row : row + edge, col : col + edge])
        for row in range(0, shape[0], edge)
        for col in range(0, shape[1], edge)
    ]


def encode(values: NDArray[Any], layout: ShardLayout) -> bytes | None:
    """One shard's object, by our writer."""
    return encoded(
        [(row, col, values[part]) for row, col, part in pieces(values.shape, layout.chunk)], layout
    )


def encoded(chunks: Iterable[tuple[int, int, NDArray[Any]]], layout: ShardLayout) -> bytes | None:
    """The object of some chunks, in this order."""
    upload = HeldUpload()
    with ShardWriter(layout, lambda: nullcontext(upload)) as writer:
        for row, col, chunk in chunks:
            writer.put(row, col, chunk)
    blob = upload.to_bytes()
    assert writer.seal == [len(blob), reading(blob or None, layout).checksum()]
    return blob or None


def reading(blob: bytes | None, layout: ShardLayout, where: str = "a shard") -> ShardReader:
    """Our reader of an object in memory."""
    return ShardReader(None if blob is None else HeldBlob(blob), layout, where)


def decode(blob: bytes | None, layout: ShardLayout) -> NDArray[Any]:
    """One whole shard, by our reader."""
    reader = reading(blob, layout)
    return np.block(
        [[reader.chunk(row, col) for col in range(layout.across)] for row in range(layout.across)]
    )


def zarr_array(store: zarr.storage.MemoryStore, shape: tuple[int, int], layout: ShardLayout) -> Any:
    """An empty array of zarr-python with the codecs that our stores declare."""
    packer = zarr.codecs.BloscCodec(
        cname=layout.cname,
        clevel=layout.clevel,
        shuffle=layout.shuffle,
        typesize=np.dtype(layout.dtype).itemsize,
    )
    return zarr.create_array(
        store,
        shape=shape,
        chunks=(layout.chunk, layout.chunk),
        shards=(layout.shard, layout.shard),
        dtype=layout.dtype,
        fill_value=layout.fill_value,
        compressors=[packer, zarr.codecs.Crc32cCodec()],
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[ShardLayout, NDArray[Any]]:
    """A layout and an array of up to three by three shards, with edges that fit nothing."""
    dtype, chunk, across = draw(DTYPES), draw(st.integers(1, 9)), draw(st.integers(1, 4))
    layout = ShardLayout(chunk * across, chunk, dtype, FILLS[dtype])
    most = min(3 * layout.shard, 40)
    shape = draw(st.integers(1, most)), draw(st.integers(1, most))
    kind, seed = draw(KINDS), draw(st.integers(0, 99))
    return layout, values_of(kind, shape, layout=layout, seed=seed)


@settings(deadline=None)
@given(case=cases())
def test_zarr_reads_what_we_write(case: tuple[ShardLayout, NDArray[Any]]) -> None:
    layout, values = case
    store = zarr.storage.MemoryStore()
    array = zarr_array(store, values.shape, layout)
    for row, col, part in pieces(values.shape, layout.shard):
        blob = encode(values[part], layout)
        assert (blob is None) == bool(np.all(values[part] == layout.fill_value))
        if blob is not None:
            assert len(blob) <= layout.largest_blob
            sync(store.set(f"c/{row}/{col}", cpu.Buffer.from_bytes(blob)))
    np.testing.assert_array_equal(array[...], values)


@settings(deadline=None)
@given(case=cases())
def test_we_read_what_zarr_writes(case: tuple[ShardLayout, NDArray[Any]]) -> None:
    layout, values = case
    store = zarr.storage.MemoryStore()
    zarr_array(store, values.shape, layout)[...] = values
    for row, col, part in pieces(values.shape, layout.shard):
        found = sync(store.get(f"c/{row}/{col}", default_buffer_prototype()))
        expected = np.full((layout.shard, layout.shard), layout.fill_value, layout.dtype)
        expected[: values[part].shape[0], : values[part].shape[1]] = values[part]
        blob = None if found is None else found.to_bytes()
        np.testing.assert_array_equal(decode(blob, layout), expected)


@pytest.mark.parametrize("dtype", FILLS)
def test_chunks_are_as_small_as_zarrs(dtype: str) -> None:
    """The same codec settings: byte shuffle by the number's own size, or it packs far worse."""
    layout = ShardLayout(128, 32, dtype, FILLS[dtype])
    values = values_of("steps", (128, 128), layout=layout, seed=0)
    store = zarr.storage.MemoryStore()
    zarr_array(store, (128, 128), layout)[...] = values
    theirs = sync(store.get("c/0/0", default_buffer_prototype()))
    ours = encode(values, layout)
    assert theirs is not None
    assert ours is not None
    assert len(ours) == len(theirs.to_bytes())


@pytest.mark.parametrize("dtype", FILLS)
@pytest.mark.parametrize("chunk", [1, 2, 16, 64, 200])
def test_incompressible_values_stay_under_the_bound(dtype: str, chunk: int) -> None:
    """And come near it, so that it is a bound and not merely a large number."""
    layout = ShardLayout(2 * chunk, chunk, dtype, FILLS[dtype])
    values = values_of("noise", (2 * chunk, 2 * chunk), layout=layout, seed=chunk)
    blob = encode(values, layout)
    assert blob is not None
    assert len(blob) <= layout.largest_blob
    if chunk >= 64:
        assert len(blob) > 0.99 * layout.largest_blob


@pytest.mark.parametrize(("cname", "shuffle"), [("zstd", "bitshuffle"), ("lz4hc", "noshuffle")])
def test_other_codecs_that_a_benchmark_tries(cname: str, shuffle: str) -> None:
    layout = ShardLayout(32, 8, "int16", FILLS["int16"], cname=cname, clevel=3, shuffle=shuffle)
    values = values_of("holes", (32, 32), layout=layout, seed=5)
    store = zarr.storage.MemoryStore()
    array = zarr_array(store, (32, 32), layout)
    blob = encode(values, layout)
    assert blob is not None
    sync(store.set("c/0/0", cpu.Buffer.from_bytes(blob)))
    np.testing.assert_array_equal(array[...], values)
    np.testing.assert_array_equal(decode(blob, layout), values)


def test_chunks_go_in_in_any_order() -> None:
    layout = ShardLayout(32, 8, "int16", FILLS["int16"])
    values = values_of("noise", (32, 32), layout=layout, seed=1)
    chunks = [(row, col, values[part]) for row, col, part in pieces(values.shape, layout.chunk)]
    blob = encoded(reversed(chunks), layout)
    np.testing.assert_array_equal(decode(blob, layout), values)
    store = zarr.storage.MemoryStore()
    array = zarr_array(store, (32, 32), layout)
    sync(store.set("c/0/0", cpu.Buffer.from_bytes(blob or b"")))
    np.testing.assert_array_equal(array[...], values)


def test_a_chunk_goes_in_once() -> None:
    layout = ShardLayout(8, 4, "int16", 0)
    chunk = np.ones((4, 4), np.int16)
    with pytest.raises(ValueError, match=r"chunk \(0, 1\) of the shard is there already"):
        encoded([(0, 1, chunk), (0, 1, chunk)], layout)


def test_a_chunk_of_another_type_is_refused() -> None:
    with pytest.raises(TypeError, match=r"a chunk of float32 does not go into a shard of int16"):
        encoded([(0, 0, np.zeros((4, 4), np.float32))], ShardLayout(8, 4, "int16", 0))


@settings(deadline=None)
@given(
    dtype=DTYPES,
    shape=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    value=st.integers(0, 200),
    other=st.none() | st.tuples(st.integers(0, 19), st.integers(0, 19)),
)
def test_a_constant_chunk_is_told(
    dtype: str, shape: tuple[int, int], value: int, other: tuple[int, int] | None
) -> None:
    chunk = np.full(shape, value, dtype)
    if other is not None:
        chunk[other[0] % shape[0], other[1] % shape[1]] += 1
    assert is_constant(chunk) == bool(np.all(chunk == chunk[0, 0]))
    assert is_constant(np.asfortranarray(chunk)) == is_constant(chunk)


@pytest.mark.parametrize("dtype", FILLS)
def test_a_constant_chunk_is_packed_like_any(dtype: str) -> None:
    """Though its frame is made once for all: the same bytes, and each value its own."""
    layout = ShardLayout(64, 32, dtype, FILLS[dtype])
    values = np.zeros((64, 64), dtype)
    values[:32, 32:], values[32:, 32:] = 7, FILLS[dtype]
    values[32:, :32] = 7
    blob = encode(values, layout)
    np.testing.assert_array_equal(decode(blob, layout), values)
    alone = blosc.compress(values[:32, :32].copy(), b"lz4", layout.clevel, 1)
    assert blob is not None
    assert blob.startswith(alone)


def test_a_chunk_that_lies_scattered_is_packed_like_any() -> None:
    layout = ShardLayout(8, 4, "int16", 0)
    values = values_of("noise", (8, 8), layout=layout, seed=3)
    assert encode(values.T, layout) == encode(values.T.copy(), layout)


def fill(writer: ShardWriter, *chunks: NDArray[Any]) -> None:
    """The first chunks of a shard."""
    with writer:
        for col, chunk in enumerate(chunks):
            writer.put(0, col, chunk)


def test_after_an_error_nothing_is_written() -> None:
    """Neither the object's end nor a part of it, and the seal says so."""
    ended: list[type[BaseException] | None] = []

    @contextmanager
    def begin() -> Iterator[HeldUpload]:
        try:
            yield HeldUpload()
        except BaseException as error:
            ended.append(type(error))
            raise
        ended.append(None)

    layout = ShardLayout(8, 4, "int16", 0)
    chunk = np.ones((4, 4), np.int16)
    whole, half, empty = (ShardWriter(layout, begin) for _ in range(3))
    fill(whole, chunk)
    with pytest.raises(TypeError):
        fill(half, chunk, chunk.astype(float))
    fill(empty, 0 * chunk)
    assert ended == [None, TypeError]
    assert (half.seal, empty.seal) == (NOTHING, NOTHING)
    assert whole.seal != NOTHING


def test_a_chunk_says_whether_it_is_there() -> None:
    layout = ShardLayout(8, 4, "int16", -1)
    reader = reading(encoded([(0, 1, np.ones((4, 4), np.int16))], layout), layout)
    out = np.zeros((4, 4), np.int16)
    assert reader.read_into(0, 1, out)
    assert np.all(out == 1)
    assert not reader.read_into(1, 1, out)
    assert np.all(out == -1)


def damaged(seed: int = 3) -> tuple[ShardLayout, NDArray[Any], bytes]:
    """What the tests below do damage to: a shard with chunks of every kind."""
    layout = ShardLayout(24, 6, "int16", FILLS["int16"])
    values = values_of("holes", (24, 24), layout=layout, seed=seed)
    values[:6, :6] = values_of("steps", (6, 6), layout=layout, seed=seed)
    blob = encode(values, layout)
    assert blob is not None
    return layout, values, blob


def is_torn(blob: bytes, layout: ShardLayout) -> bool:
    """Whether the reader says so."""
    try:
        decode(blob, layout)
    except TornError:
        return True
    return False


def test_every_truncation_is_told() -> None:
    layout, _, blob = damaged()
    whole = [length for length in range(len(blob)) if not is_torn(blob[:length], layout)]
    assert whole == []
    assert not is_torn(blob, layout)


@pytest.mark.parametrize("place", [0, 1, 5])
def test_a_chunk_that_stands_elsewhere_is_told(place: int) -> None:
    """Incompressible chunks are of one size: one put in or left out moves the others by one."""
    layout = ShardLayout(24, 6, "int16", FILLS["int16"])
    blob = encode(values_of("noise", (24, 24), layout=layout, seed=2), layout)
    assert blob is not None
    index = layout.across**2 * 16 + 4
    size = (len(blob) - index) // layout.across**2
    chunk = blob[place * size : (place + 1) * size]
    with pytest.raises(TornError, match=r"the shard's index promises .* bytes but the object has"):
        decode(blob[: place * size] + chunk + blob[place * size :], layout)
    with pytest.raises(TornError):
        decode(blob[: place * size] + blob[(place + 1) * size :], layout)


def test_every_flipped_bit_is_told() -> None:
    """There is no byte of the object that no checksum covers."""
    layout, _, blob = damaged()
    silent = []
    for place in range(len(blob)):
        flipped = bytearray(blob)
        flipped[place] ^= 1 << (place % 8)
        if not is_torn(bytes(flipped), layout):
            silent.append(place)
    assert silent == []


@settings(deadline=None)
@given(data=st.data())
def test_rubbish_is_told_or_reads_equal(data: st.DataObject) -> None:
    """Bytes overwritten, left out or put in twice: never other numbers."""
    layout, values, blob = damaged()
    start = data.draw(st.integers(0, len(blob) - 1))
    stop = data.draw(st.integers(start, len(blob)))
    rubbish = data.draw(
        st.one_of(
            st.just(b""),
            st.just(bytes(stop - start)),
            st.just(blob[start:stop] * 2),
            st.binary(max_size=64),
        )
    )
    try:
        found = decode(blob[:start] + rubbish + blob[stop:], layout)
    except TornError:
        return
    np.testing.assert_array_equal(found, values)


@pytest.mark.parametrize("blob", [b"", b"\0" * 4, b"\0" * 260, b"\xff" * 260])
def test_an_empty_object_is_torn_and_not_fill(blob: bytes) -> None:
    """No object is a shard of fill; an object without bytes is what a killed writer leaves."""
    layout = ShardLayout(24, 6, "int16", FILLS["int16"])
    assert len(encode(np.zeros((24, 24), np.int16), layout) or b"") > 260
    with pytest.raises(TornError, match=r"^mosaic.zarr/x/c/0/0: .* run the command that wrote it"):
        reading(blob, layout, "mosaic.zarr/x/c/0/0").check()
    assert np.all(decode(None, layout) == layout.fill_value)


@pytest.mark.parametrize(
    "other",
    [
        {"dtype": "uint8"},
        {"dtype": "int32"},
        {"chunk": 3, "shard": 12},
        {"chunk": 12, "shard": 48},
        {"chunk": 12},
        {"shard": 12},
    ],
)
def test_an_object_of_another_array_is_told(other: dict[str, Any]) -> None:
    """Swapped with one of another number type or cut: its chunks have another size."""
    layout, _, blob = damaged()
    assert is_torn(blob, replace(layout, **other))


def test_a_chunk_that_is_no_chunk_but_has_its_checksum_is_told() -> None:
    """A writer that is broken, rather than a disk: sealed, but Blosc cannot decode it."""
    layout = ShardLayout(4, 4, "int16", 0)
    good = encode(np.arange(16, dtype=np.int16).reshape(4, 4), layout)
    assert good is not None
    short = blosc.compress(np.arange(9, dtype=np.int16), b"lz4", 5, 1)
    for packed in (b"", b"\x02", b"not a Blosc frame at all", short):
        with pytest.raises(TornError, match=r"chunk \(0, 0\) does not decode"):
            reading(sealed(packed), layout).check()


def sealed(packed: bytes) -> bytes:
    """A shard of one chunk around any bytes, with right checksums."""
    chunk = packed + struct.pack("<I", google_crc32c.value(packed))
    index = struct.pack("<QQ", 0, len(chunk))
    return chunk + index + struct.pack("<I", google_crc32c.value(index))


def test_the_checksum_tells_shards_whose_chunks_are_as_long() -> None:
    """The CRC32C of the whole object does not: each chunk ends with its own."""
    layout = ShardLayout(16, 8, "int16", -32768)
    random = np.random.default_rng(5)
    blobs = [
        encode(random.integers(-30000, 30000, (16, 16), dtype=np.int16), layout) for _ in range(3)
    ]
    assert len({len(blob or b"") for blob in blobs}) == 1
    assert len({google_crc32c.value(blob) for blob in blobs}) == 1
    assert len({reading(blob, layout).checksum() for blob in blobs}) == 3
