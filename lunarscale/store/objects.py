"""What every place of objects gives: one that is open for reading, one that is being written."""

from types import TracebackType
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

#: A run of bytes.
Piece = bytes | NDArray[np.uint8]


class Blob(Protocol):
    """An object that is open for reading: it stays what it was, though its name may be given on.

    Parameters
    ----------
    size : int
        Its bytes.
    """

    size: int

    def at(self, offset: int, size: int) -> NDArray[np.uint8]:
        """Bytes of it, until the thread's next call of any object's; fewer where it ends."""

    def close(self) -> None:
        """Let go of it; a second time is no error."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class HeldBlob(Blob):
    """An object whose bytes are in memory."""

    def __init__(self, blob: bytes) -> None:
        self.size = len(blob)
        self._bytes = np.frombuffer(blob, np.uint8)

    def at(self, offset: int, size: int) -> NDArray[np.uint8]:
        """A view of the bytes."""
        return self._bytes[offset : offset + size]

    def close(self) -> None:
        """Forget the bytes."""
        self._bytes = np.empty(0, np.uint8)


class Upload:
    """An object that is being written, piece by piece, and what is known of it so far.

    Parameters
    ----------
    size : int
        Bytes written.
    """

    def __init__(self) -> None:
        self.size = 0

    def write(self, *pieces: Piece) -> None:
        """Put pieces at the end."""
        for piece in pieces:
            self._take(piece)
            self.size += len(piece)

    def _take(self, piece: Piece) -> None:
        raise NotImplementedError


class HeldUpload(Upload):
    """An object whose pieces are kept in memory until all are there.

    Parameters
    ----------
    pieces : list of bytes
        What was written, in order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []

    def _take(self, piece: Piece) -> None:
        # an array may be filled anew with the next piece
        self.pieces.append(piece if isinstance(piece, bytes) else piece.tobytes())

    def to_bytes(self) -> bytes:
        """The whole of it."""
        return b"".join(self.pieces)
