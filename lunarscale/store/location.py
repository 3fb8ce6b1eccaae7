"""Where bytes are kept: a folder or any fsspec URL, with whole-object reads and writes."""

import contextlib
import errno
import os
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fsspec

from lunarscale.errors import StoreError


@dataclass(frozen=True)
class Location:
    """A place that holds objects by key, local or remote; it pickles.

    A local object appears under its name only once it is whole (written aside, then renamed);
    object stores promise the same of a PUT.

    Parameters
    ----------
    url : str
        Path or fsspec URL.
    storage_options : dict
        Options for fsspec.
    """

    url: str
    storage_options: dict[str, Any] = field(default_factory=dict, hash=False, repr=False)

    @property
    def is_local(self) -> bool:
        """Whether this is a folder of this machine."""
        return "://" not in self.url or self.url.startswith("file://")

    @property
    def path(self) -> str:
        """The folder's path, or the path within its filesystem."""
        if self.is_local:
            return os.path.abspath(self.url.removeprefix("file://"))
        return str(self._filesystem()[1])

    def _filesystem(self) -> tuple[Any, str]:
        try:
            filesystem, path = fsspec.core.url_to_fs(self.url, **self.storage_options)
        except (ValueError, ImportError) as error:
            raise StoreError(f"{self.url}: cannot be reached: {error}") from error
        return filesystem, path.rstrip("/")

    def get(self, key: str) -> bytes | None:
        """The object's bytes, or None where there is none."""
        if self.is_local:
            try:
                return Path(self.path, key).read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                return None
        filesystem, path = self._filesystem()
        try:
            return bytes(filesystem.cat_file(f"{path}/{key}"))
        except FileNotFoundError:
            return None

    def size(self, key: str) -> int | None:
        """Bytes of the object, or None where there is none."""
        if self.is_local:
            try:
                return Path(self.path, key).stat().st_size
            except (FileNotFoundError, NotADirectoryError):
                return None
        filesystem, path = self._filesystem()
        try:
            return int(filesystem.size(f"{path}/{key}"))
        except FileNotFoundError:
            return None

    def put(self, key: str, blob: bytes) -> None:
        """Write an object, whole or not at all.

        Raises
        ------
        StoreError
            If the disk is full; what was there before is still there.
        """
        if not self.is_local:
            filesystem, path = self._filesystem()
            filesystem.pipe_file(f"{path}/{key}", blob)
            return
        target = Path(self.path, key)
        aside = target.with_name(f".{target.name}.{uuid.uuid4().hex}.partial")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            aside.write_bytes(blob)
            os.replace(aside, target)
        except OSError as error:
            with contextlib.suppress(OSError):
                aside.unlink(missing_ok=True)
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StoreError(
                    f"{self.url}: the disk is full: {len(blob):,} bytes of {key} did not fit; "
                    "free some room and run the same command again, it goes on where it stopped"
                ) from error
            raise

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""
        if self.is_local:
            Path(self.path, key).unlink(missing_ok=True)
            return
        filesystem, path = self._filesystem()
        with contextlib.suppress(FileNotFoundError):
            filesystem.rm_file(f"{path}/{key}")

    def keys(self, folder: str) -> list[str]:
        """Names of the objects directly in a folder, sorted; unfinished ones are left out."""
        if self.is_local:
            place = Path(self.path, folder)
            names = [p.name for p in place.iterdir() if p.is_file()] if place.is_dir() else []
        else:
            filesystem, path = self._filesystem()
            filesystem.invalidate_cache()
            try:
                listing = filesystem.ls(f"{path}/{folder}", detail=False)
            except FileNotFoundError:
                listing = []
            names = [name.rsplit("/", 1)[-1] for name in listing]
        return sorted(name for name in names if not name.endswith(".partial"))

    def entries(self) -> set[str]:
        """Names of all objects and folders at the top."""
        filesystem, path = self._filesystem()
        try:
            return {name.rstrip("/").rsplit("/", 1)[-1] for name in filesystem.ls(path, False)}
        except (FileNotFoundError, NotADirectoryError):
            return set()

    def exists(self) -> bool:
        """Whether anything is there."""
        if self.is_local:
            place = Path(self.path)
            return place.is_file() or (place.is_dir() and any(place.iterdir()))
        filesystem, path = self._filesystem()
        return bool(filesystem.exists(path))

    def remove_tree(self, folder: str) -> None:
        """Remove a folder and all below it; one that is not there is no error."""
        filesystem, path = self._filesystem()
        with contextlib.suppress(FileNotFoundError):
            filesystem.rm(f"{path}/{folder}".rstrip("/"), recursive=True)
