"""Objects that are files of this machine: read by one descriptor, written aside and renamed."""

import contextlib
import errno
import os
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lunarscale.errors import FullError
from lunarscale.store.objects import Blob, Piece, Upload

#: What ends the name of an object that is still being written.
PARTIAL = ".partial"

#: What filesystems without hard links say.
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


_here = threading.local()


def _room(size: int) -> NDArray[np.uint8]:
    """Memory of this thread, the same again and again: it stays in the cache."""
    room: NDArray[np.uint8] | None = getattr(_here, "room", None)
    if room is None or room.size < size:
        room = _here.room = np.empty(size, np.uint8)
    return room[:size]


class FileBlob(Blob):
    """A file that is open for reading, a part at a time into memory that is used again.

    What ``at`` gives holds until this thread reads of any file. It is the file that was opened:
    what is renamed over it meanwhile is another.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor: int | None = None
        self._descriptor = os.open(path, os.O_RDONLY)
        self.size = os.fstat(self._descriptor).st_size

    def at(self, offset: int, size: int) -> NDArray[np.uint8]:
        """Read bytes of it."""
        if self._descriptor is None:
            raise ValueError("the object was closed")
        size = max(0, min(size, self.size - offset))
        room, done = _room(size), 0
        while done < size:
            more = os.preadv(self._descriptor, [room[done:].data], offset + done)
            if not more:
                break  # cut off since it was opened: the reader's checksums tell
            done += more
        return room[:done]

    def close(self) -> None:
        """Close the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __del__(self) -> None:
        # a walk through a shard that is given up leaves its files behind
        self.close()


class _FileUpload(Upload):
    """A file that is being written."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor

    def _take(self, piece: Piece) -> None:
        view = memoryview(piece) if isinstance(piece, bytes) else piece.data
        while view:
            view = view[os.write(self._descriptor, view) :]


def opened(path: Path) -> FileBlob | None:
    """The file open for reading, or None where there is none."""
    try:
        return FileBlob(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


@dataclass(frozen=True)
class Place:
    """Where a file is to be, and what to call it in an error.

    Parameters
    ----------
    folder, key, name : str
        The place's path, the object in it, and the place's own name.
    """

    folder: str
    key: str
    name: str

    @property
    def path(self) -> Path:
        """The file."""
        return Path(self.folder, self.key)

    @contextlib.contextmanager
    def aside(self, land: Callable[[Path, Path], None]) -> Iterator[Upload]:
        """A new file beside it, that lands in the end; after an error nothing is left of it."""
        target = self.path
        aside = target.with_name(f".{target.name}.{uuid.uuid4().hex}{PARTIAL}")
        size = 0
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            upload = _FileUpload(descriptor)
            try:
                yield upload
            finally:
                size = upload.size
                os.close(descriptor)  # a network filesystem may say only here that it is full
            land(aside, target)
        except BaseException as error:
            with contextlib.suppress(OSError):
                aside.unlink(missing_ok=True)
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise FullError(
                    f"{self.name}: the disk is full: all but {size:,} bytes of {self.key} did not "
                    "fit; free some room and run the same command again"
                ) from error
            raise


def writing(place: Place) -> contextlib.AbstractContextManager[Upload]:
    """Write a file: whole at the end of the block, or not at all.

    Raises
    ------
    FullError
        If the disk is full; what was there before is still there.
    """
    return place.aside(os.replace)


def put_new(place: Place, blob: bytes) -> bool:
    """Write a file if there is none; whether it did. It appears whole.

    Raises
    ------
    FullError
        If the disk is full.
    """
    made = [False]

    def land(aside: Path, target: Path) -> None:
        made[0] = _link(aside, target)
        aside.unlink()

    with place.aside(land) as upload:
        upload.write(blob)
    return made[0]


def _link(aside: Path, target: Path) -> bool:
    """Give a file a second name if nothing has it; whether it did."""
    try:
        os.link(aside, target)
    except FileExistsError:
        # over a network the answer to a link that was made may be lost, and it is asked again
        return aside.stat().st_nlink > 1
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return _create(target, aside.read_bytes())
    return True


def _create(target: Path, blob: bytes) -> bool:
    """Write a file if there is none, without links: for a moment it may be read short."""
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        return False
    try:
        _FileUpload(descriptor).write(blob)
    finally:
        os.close(descriptor)
    return True
