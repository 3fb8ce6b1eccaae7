"""One shard held against its ledger entry: sizes, and every byte where that is asked for."""

from collections.abc import Iterator

import google_crc32c

from lunarscale.engine.ledger import STORE, Entry, Ledger
from lunarscale.errors import TornError
from lunarscale.grid.raster import Window
from lunarscale.store.cube import Cube
from lunarscale.store.layout import ArraySpec
from lunarscale.store.objects import HeldBlob
from lunarscale.store.shard import ShardReader


def objects_of(cube: Cube, window: Window) -> dict[str, ArraySpec]:
    """The arrays' objects of one shard, by key."""
    return {
        cube.key(spec.name, window, band): spec
        for spec in cube.layout.arrays()
        for band in (range(spec.bands) if spec.bands else (None,))
    }


def faults_of(cube: Cube, window: Window, *, entry: Entry, deep: bool) -> Iterator[str]:
    """What is wrong with a shard, one sentence an object.

    Parameters
    ----------
    cube : Cube
    window : Window
    entry : Entry
    deep : bool
        Whether to read each object: its CRC32C against the entry's, each chunk's against its own,
        each chunk decoded.
    """
    url, specs = cube.location.url, objects_of(cube, window)
    named = entry.objects.keys() - {Ledger.of(cube).statistics_key(window)}
    if named != specs.keys():
        other = min(named ^ specs.keys())
        yield (
            f"{url}/{Ledger.of(cube).key(window)}: the entry of one shard must name its own "
            f"{len(specs)} objects but it does not agree about {other}"
        )
        return
    for key, (size, checksum) in entry.objects.items():
        found = cube.location.size(key) or 0
        if found != size:
            yield f"{url}/{key}: {size:,} bytes were written but {found:,} are there"
        elif size and deep:
            blob = cube.location.get(key) or b""
            sums = {int(google_crc32c.value(blob))}
            if key in specs:
                try:
                    # stores without a number keep the whole object's CRC32C, which tells less
                    found_in = _checksum(blob, specs[key], f"{url}/{key}")
                    sums = sums | {found_in} if STORE not in cube.attributes else {found_in}
                except TornError as error:
                    yield str(error)
                    continue
            if checksum not in sums:
                yield f"{url}/{key}: the bytes do not match the checksum in the ledger"


def _checksum(blob: bytes, spec: ArraySpec, where: str) -> int:
    """A shard's checksum, once every chunk has matched its own and was decoded."""
    reader = ShardReader(HeldBlob(blob), spec.packing, where)
    reader.check()
    return reader.checksum()
