"""An upload on its way: received aside, read in a process of its own, then handed over."""

import hashlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import anyio.to_thread

from lunarscale.engine.record import now
from lunarscale.errors import LimitError
from lunarscale.service.settings import Limits
from lunarscale.service.trial import try_file
from lunarscale.service.upload import Kind, Upload


class Reception:
    """An upload on its way.

    Parameters
    ----------
    kind : str
    name : str
    stage : Path
        A new folder for its files.
    limits : Limits
    settle : callable
        Renames the folder into its place.
    """

    def __init__(
        self, kind: Kind, name: str, stage: Path, *, limits: Limits,
        settle: Callable[[Upload, Path], None],
    ) -> None:  # fmt: skip
        self._kind, self._name, self._stage = kind, name, stage
        self.limits, self._settle = limits, settle

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
        with open(file, "rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        upload = Upload(
            kind=self._kind,
            name=self._name,
            file=file.name,
            bytes=sum(each.stat().st_size for each in self._stage.iterdir()),
            sha256=digest,
            made=now(),
            by=by,
            holds=holds,
        )
        self._settle(upload, self._stage)
        return upload
