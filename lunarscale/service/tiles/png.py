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

#: zlib's level; measured on tiles of maps.
LEVEL = 1

_END = b"IEND"


def indexed_png(indices: NDArray[np.uint8], palette: str) -> bytes:
    """A PNG of indices into a palette's colours.

    Parameters
    ----------
    indices : ndarray of uint8, (row, col)
        ``CLEAR`` is transparent, 1 the palette's first colour.
    palette : str
    """
    height, width = indices.shape
    lines = np.zeros((height, width + 1), np.uint8)  # each line begins with its filter: none
    lines[:, 1:] = indices
    # 8 bits, colour type 3: indices
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    packed = zlib.compress(lines.data, LEVEL)
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
