"""An object of a bucket that is being written, piece by piece."""

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from lunarscale.errors import StoreError
from lunarscale.store.objects import Piece, Upload
from lunarscale.urls.clients import client_of, told
from lunarscale.urls.options import Settings
from lunarscale.urls.patience import PassingError

#: What is no larger goes in one request: a shard of the usual 2048 x 2048 int16 pixels.
WHOLE_BYTES = 16 * 2**20

#: Bytes of a part of a larger upload.
PART_BYTES = 8 * 2**20

#: Most memory that an upload holds: what came before its first part, one part that fills, two on
#: their way.
UPLOAD_BYTES = WHOLE_BYTES + 3 * PART_BYTES

Whole = Callable[[bytes], None]
Fetch = Callable[[], Any]


class BucketUpload(Upload):
    """Pieces held while one request can take them; then parts go one after the other.

    Parameters
    ----------
    settings : Settings
    name : str
        In the bucket.
    where : str
        What to call it in an error.
    whole : callable
        Writes the object in one request.
    fetch : callable
        Reads it, or gives None where there is none.
    """

    def __init__(
        self, settings: Settings, name: str, *, where: str, whole: Whole, fetch: Fetch
    ) -> None:
        super().__init__()
        self._settings, self._name, self._what = settings, name, f"{where}: PUT in parts"
        self._whole, self._fetch = whole, fetch
        self._held: list[bytes] = []
        self._writer: Any = None
        # not the CRC: a shard's is the same whatever it holds, as each of its chunks ends with one
        self._sent = hashlib.blake2b()

    def _take(self, *pieces: Piece) -> None:
        for piece in pieces:
            self._hold_or_send(piece)

    def _hold_or_send(self, piece: Piece) -> None:
        # an array may be filled anew with the next piece
        if self._writer is None and sum(map(len, self._held)) + len(piece) <= WHOLE_BYTES:
            self._held.append(bytes(piece))
            return
        with self._told():
            if self._writer is None:
                client = client_of(self._settings, insists=True)
                import obstore

                self._writer = obstore.open_writer(
                    client,
                    self._name,
                    buffer_size=PART_BYTES,
                    max_concurrency=2,
                )
                for held in self._held:
                    self._sent.update(held)
                    self._writer.write(held)
                self._held.clear()
            self._sent.update(piece if isinstance(piece, bytes) else piece.data)
            for first in range(0, len(piece), PART_BYTES):
                self._writer.write(bytes(piece[first : first + PART_BYTES]))

    def finish(self) -> None:
        """Make the object of the parts."""
        if self._writer is None:
            self._whole(b"".join(self._held))
            return
        try:
            with self._told():
                self._writer.close()
        except (StoreError, FileNotFoundError) as error:
            # the answer to the last request may have been lost: what is there decides
            if not self._is_there():
                raise StoreError(f"{self._what} failed in the end: {error}") from None

    def abort(self, error: BaseException) -> None:
        """Forget the parts that are there already."""
        if self._writer is not None:
            with contextlib.suppress(Exception):  # what went wrong first is what is told
                self._writer.__exit__(type(error), error, error.__traceback__)

    def _is_there(self) -> bool:
        found = self._fetch()
        return (
            found is not None
            and len(found) == self.size
            and hashlib.blake2b(found).digest() == self._sent.digest()
        )

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """The client has tried again by itself: what it tells now is the end."""
        what, patience = self._what, self._settings.patience
        try:
            with told(self._settings, what):
                yield
        except PassingError as error:
            raise StoreError(
                f"{what} was tried up to {patience.tries} times in at most {patience.seconds:g} s "
                f"and failed in the end: {error}; see whether the server is up and reachable, then "
                "run the same command again"
            ) from None
