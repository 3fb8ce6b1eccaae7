"""Objects that are files of this machine: read by one descriptor, written aside and renamed.

An object that is no file, or may not be read, is neither taken for absent nor waited for: its owner
has put a folder, a pipe or a link that leads nowhere in its place, and is told so.
"""

import contextlib
import errno
import os
import stat
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lunarscale.errors import FormatError, FullError
from lunarscale.store.objects import Blob, Piece, Upload

#: What ends the name of an object that is still being written.
PARTIAL = ".partial"

#: What else there may be in the place of a file.
_KINDS = ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"))

#: What is said of a loop of links, of what one may not read, and of a socket that is opened.
_NOT_READABLE = (errno.ELOOP, errno.EACCES, errno.EPERM, errno.ENXIO)

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

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor
        self.size = os.fstat(descriptor).st_size

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


def opened(place: Place) -> FileBlob | None:
    """The file open for reading, or None where there is none.

    Raises
    ------
    FormatError
        If what is there is no file, or may not be read.
    """
    descriptor = _descriptor(place)
    return None if descriptor is None else FileBlob(descriptor)


def read(place: Place) -> bytes | None:
    """All of the file, or None where there is none.

    Raises
    ------
    FormatError
        If what is there is no file, or may not be read.
    """
    descriptor = _descriptor(place)
    if descriptor is None:
        return None
    with open(descriptor, "rb") as file:
        return file.read()


def size_of(place: Place) -> int | None:
    """Bytes of the file, or None where there is none.

    Raises
    ------
    FormatError
        If what is there is no file, or cannot be looked at.
    """
    with _told(place):
        try:
            found = os.stat(place.path)
        except (FileNotFoundError, NotADirectoryError):
            _require_absent(place)
            return None
        _require_file(place, found.st_mode)
        return found.st_size


def _descriptor(place: Place) -> int | None:
    with _told(place):
        try:
            # a pipe that nobody writes to is not waited for
            descriptor = os.open(place.path, os.O_RDONLY | os.O_NONBLOCK)
        except (FileNotFoundError, NotADirectoryError):
            _require_absent(place)
            return None
        try:
            _require_file(place, os.fstat(descriptor).st_mode)
        except FormatError:
            os.close(descriptor)
            raise
        return descriptor


@contextlib.contextmanager
def _told(place: Place) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _NOT_READABLE:  # a disk that fails just then, say
            raise
        raise _no_file(place, f"what is there cannot be read ({error.strerror})") from error


def _require_absent(place: Place) -> None:
    if place.path.is_symlink():
        raise _no_file(place, "there is a link that leads nowhere")


def _require_file(place: Place, mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = next((name for is_one, name in _KINDS if is_one(mode)), "something else")
        raise _no_file(place, f"there is {kind}")


def _no_file(place: Place, found: str) -> FormatError:
    return FormatError(
        f"{place.name}/{place.key}: this should be a file but {found}; put the file back, or "
        "remove what is in its place and have it made again"
    )


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
