"""Files that callers have uploaded: models, tables of stations, polygons.

Each lies in a folder of its own, ``uploads/models/feo/feo.onnx``, with what was found in it. It is
received aside, read once in a process of its own (``service.trial``), and only then renamed into
its place. A name from a request is compared with those that are listed.
"""

import errno
import hashlib
import os
import re
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import anyio.to_thread

from lunarscale.engine.record import now
from lunarscale.engine.seals import sealed, unsealed
from lunarscale.errors import (
    ConflictError,
    LimitError,
    RequestError,
    UnavailableError,
    UnknownError,
)
from lunarscale.service.settings import Limits
from lunarscale.service.trial import try_file

Kind = Literal["models", "tables", "polygons"]

KINDS: tuple[Kind, ...] = ("models", "tables", "polygons")

#: What an upload may be called; it becomes the name of a file.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}", re.ASCII)
NAME_RULE = "1 to 63 letters, digits, _ or - that begin with a letter or digit"

#: Uploads that are received and read at a time.
AT_ONCE = 4

#: Their dots keep them apart from what an upload may be called.
_FACTS, _INCOMING = ".facts.json", ".incoming"


@dataclass(frozen=True)
class Upload:
    """A file that was uploaded, read and kept.

    Parameters
    ----------
    kind, name : str
    file : str
        Its file's name.
    bytes : int
    sha256 : str
    made : str
        When, UTC, ISO 8601.
    by : str
        Whose token it was uploaded with.
    holds : dict
        What was found in it (``service.trial``).
    """

    kind: str
    name: str
    file: str
    bytes: int
    sha256: str
    made: str
    by: str
    holds: dict[str, Any] = field(hash=False)


class Uploads:
    """What is kept of callers' files.

    Parameters
    ----------
    folder : Path
        Made when the first one comes.
    limits : Limits
    """

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder, self.limits = folder, limits
        self._keeping = threading.Lock()
        self._rooms = threading.BoundedSemaphore(AT_ONCE)

    def listed(self, kind: Kind) -> list[Upload]:
        """The uploads of a kind, by name."""
        try:
            with os.scandir(self._folder / kind) as entries:
                names = [e.name for e in entries if e.is_dir(follow_symlinks=False)]
        except FileNotFoundError:
            return []
        found = (self._read(kind, name) for name in sorted(names))
        return [upload for upload in found if upload is not None]

    def _read(self, kind: Kind, name: str) -> Upload | None:
        """An upload of a listed name; None where one is being removed, or its facts are torn."""
        try:
            facts = unsealed((self._folder / kind / name / _FACTS).read_bytes())
            upload = Upload(**facts or {})
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
        """Where an upload's file lies."""
        return self._folder / upload.kind / upload.name / upload.file

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
        incoming.mkdir(parents=True, exist_ok=True)
        stage = tempfile.mkdtemp(dir=incoming)
        try:
            yield Path(stage)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise UnavailableError(
                    "the service's disk is full, so nothing was kept; tell who runs it"
                ) from error
            raise
        finally:
            shutil.rmtree(stage, ignore_errors=True)  # what stays is removed at the next start

    @contextmanager
    def receiving(self, kind: Kind, name: str) -> Iterator["Reception"]:
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
                yield Reception(self, kind, name, stage)
        finally:
            self._rooms.release()

    def _require_room(self, kind: Kind, name: str, size: int) -> None:
        there = {each: self.listed(each) for each in KINDS}
        if any(upload.name.casefold() == name.casefold() for upload in there[kind]):
            raise ConflictError(
                f"there is an upload {name} among the {kind} already; remove it first, or choose "
                "another name"
            )
        if len(there[kind]) >= self.limits.uploads_kept:
            raise LimitError(
                f"{self.limits.uploads_kept} {kind} are kept at most and there are as many; "
                "remove one that nobody uses"
            )
        kept = sum(upload.bytes for uploads in there.values() for upload in uploads)
        if kept + size > self.limits.uploads_bytes:
            raise LimitError(
                f"uploads may have {self.limits.uploads_bytes:,} bytes together but with this one "
                f"they have {kept + size:,}; remove one that nobody uses"
            )

    def settle(self, upload: Upload, stage: Path) -> None:
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


class Reception:
    """An upload on its way.

    Parameters
    ----------
    uploads : Uploads
    kind : str
    name : str
    stage : Path
    """

    def __init__(self, uploads: Uploads, kind: Kind, name: str, stage: Path) -> None:
        self._uploads, self._kind, self._name = uploads, kind, name
        self.limits = uploads.limits
        self._stage = stage / "kept"
        self._stage.mkdir()

    async def take(self, pieces: AsyncIterator[bytes], suffix: str, *, most: int) -> None:
        """Write one file of the upload, as it comes.

        Raises
        ------
        LimitError
            If it has more bytes than ``most``.
        """
        came = 0
        with open(self._stage / f"{self._name}{suffix}", "wb") as file:
            async for piece in pieces:
                came += len(piece)
                if came > most:
                    raise LimitError(
                        f"a file of {most:,} bytes at most is taken among the {self._kind} but "
                        "more came; make it smaller"
                    )
                await anyio.to_thread.run_sync(file.write, piece)

    async def keep(self, suffix: str, *, by: str, **options: Any) -> Upload:
        """Read what came, and keep it.

        Parameters
        ----------
        suffix : str
            Of the file that is read; others lie beside it.
        by : str
            Whose it is.
        **options
            What its reader must be told (``service.trial.try_file``).

        Raises
        ------
        SourceError
            If it is not what it should be.
        """
        return await anyio.to_thread.run_sync(lambda: self._kept(suffix, by, options))

    def _kept(self, suffix: str, by: str, options: dict[str, Any]) -> Upload:
        file = self._stage / f"{self._name}{suffix}"
        holds = try_file(self._kind, file, **options)
        upload = Upload(
            kind=self._kind,
            name=self._name,
            file=file.name,
            bytes=sum(each.stat().st_size for each in self._stage.iterdir()),
            sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
            made=now(),
            by=by,
            holds=holds,
        )
        self._uploads.settle(upload, self._stage)
        return upload
