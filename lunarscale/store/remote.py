"""Objects that do not lie on this machine: any fsspec URL."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import fsspec

from lunarscale.errors import StoreError
from lunarscale.store.objects import Blob, HeldBlob, HeldUpload, Upload


@dataclass(frozen=True)
class Remote:
    """A place of objects by key behind an fsspec URL.

    Parameters
    ----------
    url : str
    options : dict
        Options for fsspec.
    """

    url: str
    options: dict[str, Any] = field(default_factory=dict, hash=False, repr=False)

    @property
    def path(self) -> str:
        """The path within its filesystem."""
        with self._reached() as (_, path):
            return path

    @contextlib.contextmanager
    def _reached(self) -> Iterator[tuple[Any, str]]:
        """The filesystem and the path in it; what it raises, but for absence, is a StoreError."""
        # what another process wrote must be seen: no listing is remembered
        options = {"use_listings_cache": False, **self.options}
        try:
            filesystem, path = fsspec.core.url_to_fs(self.url, **options)
            yield filesystem, str(path).rstrip("/")
        except (FileNotFoundError, FileExistsError, NotADirectoryError, MemoryError):
            raise
        except Exception as error:  # every fsspec backend has its own tree of errors
            why = " ".join(str(error).split()) or type(error).__name__
            raise StoreError(f"{self.url}: cannot be reached: {why}") from error

    def get(self, key: str) -> bytes | None:
        """The object's bytes, or None where there is none."""
        try:
            with self._reached() as (filesystem, path):
                return bytes(filesystem.cat_file(f"{path}/{key}"))
        except FileNotFoundError:
            return None

    def size(self, key: str) -> int | None:
        """Bytes of the object, or None where there is none."""
        try:
            with self._reached() as (filesystem, path):
                return int(filesystem.size(f"{path}/{key}"))
        except FileNotFoundError:
            return None

    def put(self, key: str, blob: bytes) -> None:
        """Write an object, whole or not at all."""
        with self._reached() as (filesystem, path):
            filesystem.pipe_file(f"{path}/{key}", blob)

    def opened(self, key: str) -> Blob | None:
        """The object, read whole, or None where there is none."""
        blob = self.get(key)
        return None if blob is None else HeldBlob(blob)

    @contextlib.contextmanager
    def writing(self, key: str) -> Iterator[Upload]:
        """Write an object at the end of the block."""
        upload = HeldUpload()
        yield upload
        self.put(key, upload.to_bytes())

    def put_new(self, key: str, blob: bytes) -> bool:
        """Write an object if there is none; whether it did."""
        try:
            with self._reached() as (filesystem, path):
                filesystem.pipe_file(f"{path}/{key}", blob, mode="create")
        except FileExistsError:
            return False
        return True

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""
        with contextlib.suppress(FileNotFoundError), self._reached() as (filesystem, path):
            filesystem.rm_file(f"{path}/{key}")

    def keys(self, folder: str) -> list[str]:
        """Names of the objects directly in a folder."""
        listing = [found for found in self._listing(folder) if found["type"] == "file"]
        return [found["name"].rsplit("/", 1)[-1] for found in listing]

    def entries(self) -> set[str]:
        """Names of all objects and folders at the top; of what is a single file, its path."""
        path, listing = self.path, self._listing("")
        if [found["name"] for found in listing] == [path]:
            return {path}
        return {found["name"].rstrip("/").rsplit("/", 1)[-1] for found in listing}

    def all_keys(self) -> set[str]:
        """Keys of all objects, at any depth; of what is a single file, its path."""
        with self._reached() as (filesystem, path):
            return {name.removeprefix(f"{path}/") for name in filesystem.find(path)}

    def _listing(self, folder: str) -> list[dict[str, Any]]:
        """What the filesystem says of everything directly in a folder."""
        try:
            with self._reached() as (filesystem, path):
                return list(filesystem.ls(f"{path}/{folder}".rstrip("/"), detail=True))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def exists(self) -> bool:
        """Whether anything is there."""
        with self._reached() as (filesystem, path):
            return bool(filesystem.exists(path))

    def remove_tree(self, folder: str) -> None:
        """Remove a folder and all below it, or an object; what is not there is no error."""
        with contextlib.suppress(FileNotFoundError), self._reached() as (filesystem, path):
            filesystem.rm(f"{path}/{folder}".rstrip("/"), recursive=True)
