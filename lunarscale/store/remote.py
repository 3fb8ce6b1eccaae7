"""Objects that do not lie in a folder of this machine: a bucket, or any other fsspec URL."""

from contextlib import AbstractContextManager
from typing import Any, Protocol

from lunarscale.store.objects import Blob, Upload
from lunarscale.urls.options import is_bucket


class Remote(Protocol):
    """A place of objects by key, far away; what it means is said at ``Location``."""

    @property
    def path(self) -> str:
        """The path within its filesystem."""

    def get(self, key: str) -> bytes | None:
        """The object's bytes, or None where there is none."""

    def size(self, key: str) -> int | None:
        """Bytes of the object, or None where there is none."""

    def opened(self, key: str, *, whole: bool = True) -> Blob | None:
        """The object open for reading, all of it or by parts, or None where there is none."""

    def put(self, key: str, blob: bytes) -> None:
        """Write an object, whole or not at all."""

    def put_new(self, key: str, blob: bytes) -> bool:
        """Write an object if there is none; whether it did."""

    def writing(self, key: str) -> AbstractContextManager[Upload]:
        """Write an object piece by piece, whole or not at all."""

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""

    def keys(self, folder: str) -> list[str]:
        """Names of the objects directly in a folder."""

    def entries(self) -> set[str]:
        """Names of all objects and folders at the top; of what is a single file, its path."""

    def all_keys(self) -> set[str]:
        """Keys of all objects, at any depth; of what is a single file, its path."""

    def exists(self) -> bool:
        """Whether anything is there."""

    def remove_tree(self, folder: str) -> None:
        """Remove a folder and all below it, or an object; what is not there is no error."""

    def zarr_store(self) -> Any:
        """What zarr and xarray read it by."""


def remote_at(url: str, options: dict[str, Any]) -> Remote:
    """The place behind a URL.

    Raises
    ------
    StoreError
        If a storage option is unknown.
    SourceError
        If the URL carries a key.
    """
    # each is loaded where it is used: a run on folders needs neither
    if is_bucket(url):
        from lunarscale.store.bucket import Bucket

        return Bucket.at(url, options)
    from lunarscale.store.filesystem import AnyFilesystem

    return AnyFilesystem(url, options)
