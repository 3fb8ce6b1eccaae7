"""Files that callers have uploaded: models, tables of stations, polygons.

Each lies in a folder of its own, ``uploads/models/feo/feo.onnx``, with what was found in it. It is
received aside, read once in a process of its own (``service.trial``), and only then renamed into
its place. A name from a request is compared with those that are listed.
"""

import errno
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from lunarscale.engine.seals import sealed, unsealed
from lunarscale.errors import (
    ConflictError,
    LimitError,
    RequestError,
    UnavailableError,
    UnknownError,
)
from lunarscale.service.reception import Reception
from lunarscale.service.settings import Limits
from lunarscale.service.upload import KINDS, NAME, NAME_RULE, Kind, Upload, is_readable

#: Uploads that are received and read at a time.
AT_ONCE = 4

#: Their dots keep them apart from what an upload may be called.
_FACTS, _INCOMING = ".facts.json", ".incoming"


class Uploads:
    """What is kept of callers' files.

    Parameters
    ----------
    folder : Path
        Made when the first one comes.
    limits : Limits
    """

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder, self._limits = folder, limits
        self._keeping = threading.Lock()
        self._rooms = threading.BoundedSemaphore(AT_ONCE)

    def listed(self, kind: Kind) -> list[Upload]:
        """The uploads of a kind, by name."""
        try:
            with os.scandir(self._folder / kind) as entries:
                names = [e.name for e in entries if e.is_dir(follow_symlinks=False)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _unusable(error) from error
        found = (self._read(kind, name) for name in sorted(names))
        return [upload for upload in found if upload is not None]

    def _read(self, kind: Kind, name: str) -> Upload | None:
        """An upload of a listed name; None where one is being removed, or its facts are torn."""
        place = self._folder / kind / name / _FACTS
        try:
            upload = Upload(**(unsealed(place.read_bytes()) if is_readable(place) else None) or {})
        except (OSError, TypeError):
            return None
        return upload if (upload.kind, upload.name) == (kind, name) else None

    def find(self, kind: Kind, name: str) -> Upload:
        """The upload of a kind and a name.

        Raises
        ------
        UnknownError
            If there is none.
        """
        for upload in self.listed(kind):
            if upload.name == name:
                return upload
        raise UnknownError(
            f"there is no upload {name[:80]!r} among the {kind}; /api/uploads lists those there are"
        )

    def path(self, upload: Upload) -> Path:
        """Where an upload's file lies.

        Raises
        ------
        UnknownError
            If it is gone, or something beside it is no file that can be read.
        """
        path = self._folder / upload.kind / upload.name / upload.file
        if not (is_readable(path) and all(map(is_readable, path.parent.iterdir()))):
            raise UnknownError(
                f"the file of the upload {upload.name} is gone or cannot be read; remove the "
                "upload and send it again"
            )
        return path

    def remove(self, upload: Upload) -> None:
        """Take an upload away, at once as others see it."""
        with self._stage() as stage, self._keeping:
            try:
                os.rename(self._folder / upload.kind / upload.name, stage / "removed")
            except FileNotFoundError:
                raise UnknownError(
                    f"the upload {upload.name} was removed already; nothing is left to do"
                ) from None

    @contextmanager
    def _stage(self) -> Iterator[Path]:
        """A new folder beside the uploads, gone in the end with what is still in it."""
        incoming = self._folder / _INCOMING
        try:
            incoming.mkdir(parents=True, exist_ok=True)
            stage = tempfile.mkdtemp(dir=incoming)
            try:
                yield Path(stage)
            finally:
                shutil.rmtree(stage, ignore_errors=True)  # what stays goes at the next start
        except OSError as error:
            raise _unusable(error) from error

    @contextmanager
    def receiving(self, kind: Kind, name: str) -> Iterator[Reception]:
        """Receive an upload: files first, then ``keep``.

        Raises
        ------
        RequestError
            If it may not be called so.
        ConflictError
            If there is one of that name.
        LimitError
            If no more are kept.
        UnavailableError
            If many are being received, or the disk is full.
        """
        if NAME.fullmatch(name) is None:
            raise RequestError(f"an upload cannot be named {name[:80]!r}; a name is {NAME_RULE}")
        if not self._rooms.acquire(blocking=False):
            raise UnavailableError(
                f"{AT_ONCE} uploads are being read and more wait for none; send it again in a while"
            )
        try:
            self._require_room(kind, name, 0)
            with self._stage() as stage:
                place = stage / name
                place.mkdir()
                yield Reception(kind, name, place, limits=self._limits, settle=self._settle)
        finally:
            self._rooms.release()

    def _require_room(self, kind: Kind, name: str, size: int) -> None:
        there = {each: self.listed(each) for each in KINDS}
        if any(upload.name.casefold() == name.casefold() for upload in there[kind]):
            raise ConflictError(
                f"there is an upload {name} among the {kind} already; remove it first, or choose "
                "another name"
            )
        if len(there[kind]) >= self._limits.uploads_kept:
            raise LimitError(
                f"{self._limits.uploads_kept} {kind} are kept at most and there are as many; "
                "remove one that nobody uses"
            )
        kept = sum(upload.bytes for uploads in there.values() for upload in uploads)
        if kept + size > self._limits.uploads_bytes:
            raise LimitError(
                f"uploads may have {self._limits.uploads_bytes:,} bytes together but with this one "
                f"they have {kept + size:,}; remove one that nobody uses"
            )

    def _settle(self, upload: Upload, stage: Path) -> None:
        """Rename what was received and read into its place."""
        with self._keeping:
            kind: Kind = next(each for each in KINDS if each == upload.kind)
            self._require_room(kind, upload.name, upload.bytes)
            (stage / _FACTS).write_bytes(sealed(asdict(upload), indent=1))
            place = self._folder / kind
            place.mkdir(exist_ok=True)
            os.rename(stage, place / upload.name)

    def clear(self) -> None:
        """Remove what a killed service left half received."""
        shutil.rmtree(self._folder / _INCOMING, ignore_errors=True)


def _unusable(error: OSError) -> UnavailableError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        found = "the service's disk is full"
    else:
        found = f"the service's folder of uploads cannot be used ({error.strerror})"
    return UnavailableError(f"{found}, so nothing was read or kept; tell who runs it")
