"""Pictures of indexed colours as PNG (ISO/IEC 15948), written directly.

A library would look for filters, which make pictures of indices no smaller, and hold Python's lock
meanwhile; zlib does not.
"""

import struct
import zlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lunarscale.service.tiles.colours import CLEAR, colours_of

_SIGNATURE = b"\x89PNG\r\n\x1a\n"

_END = b"IEND"


def indexed_png(lines: NDArray[np.uint8], palette: str) -> bytes:
    """A PNG of indices into a palette's colours.

    Parameters
    ----------
    lines : ndarray of uint8, (row, 1 + col)
        ``CLEAR`` is transparent, 1 the palette's first colour. Each line begins with the number of
        its filter, 0: none.
    palette : str
    """
    height, width = lines.shape[0], lines.shape[1] - 1
    # 8 bits, colour type 3: indices
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    # of repeats runs of one colour alone are looked for: measured on tiles of maps half the time of
    # zlib's level 1 and a third of its level 6, for sizes like theirs
    packing = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_RLE)
    packed = packing.compress(lines.data) + packing.flush()
    return b"".join(
        (
            _SIGNATURE,
            _chunk(b"IHDR", head),
            _colours(palette),
            _chunk(b"IDAT", packed),
            _chunk(_END),
        )
    )


def _chunk(kind: bytes, content: bytes = b"") -> bytes:
    check = zlib.crc32(content, zlib.crc32(kind))
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


@lru_cache(maxsize=64)
def _colours(palette: str) -> bytes:
    """The table of colours, and of their opacities."""
    table = np.zeros((256, 3), np.uint8)
    table[1:] = colours_of(palette)
    # opacities that are not told are whole ones
    return _chunk(b"PLTE", table.tobytes()) + _chunk(b"tRNS", bytes([0] * (CLEAR + 1)))
