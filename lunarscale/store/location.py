"""Where bytes are kept: a folder or any fsspec URL, with whole-object reads and writes."""

import contextlib
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lunarscale.errors import StoreError
from lunarscale.store import local
from lunarscale.store.foreign import require_inside
from lunarscale.store.local import PARTIAL
from lunarscale.store.objects import Blob, Upload
from lunarscale.store.remote import Remote, remote_at

#: Ways to write that a URL is a path of this machine.
_LOCAL = ("file://", "local://", "file:")


@dataclass(frozen=True)
class Location:
    """A place that holds objects by key, local or remote; it pickles.

    A local object appears under its name only once it is whole (written aside, then renamed);
    object stores promise the same of a PUT.

    Parameters
    ----------
    url : str
        Path, made absolute, or fsspec URL.
    storage_options : dict
        Options for fsspec.
    """

    url: str
    storage_options: dict[str, Any] = field(default_factory=dict, hash=False, repr=False)

    def __post_init__(self) -> None:
        # a worker of a cluster may run in another folder
        if self.is_local and not self.url.startswith(_LOCAL):
            object.__setattr__(self, "url", os.path.abspath(self.url))

    @property
    def is_local(self) -> bool:
        """Whether this is a folder of this machine."""
        return "://" not in self.url or self.url.startswith(_LOCAL)

    @property
    def path(self) -> str:
        """The folder's path, or the path within its filesystem."""
        if not self.is_local:
            return self._remote.path
        scheme = next((name for name in _LOCAL if self.url.startswith(name)), "")
        return os.path.abspath(self.url.removeprefix(scheme))

    @property
    def _remote(self) -> Remote:
        """Who does the work where it is no folder."""
        return remote_at(self.url, self.storage_options)

    def _file(self, key: str) -> Path:
        """The file of an object here."""
        return Path(self.path, self._inside(key))

    def _far(self, key: str) -> Remote:
        """Who keeps an object far away."""
        self._inside(key)
        return self._remote

    def _inside(self, key: str) -> str:
        """A key that some description gave: it leads nowhere else."""
        try:
            return require_inside(key)
        except ValueError as error:
            raise StoreError(
                f"{self.url}: {error}; fetch the store again from where it was made"
            ) from error

    def _place(self, key: str) -> local.Place:
        self._file(key)
        return local.Place(self.path, key, self.url)

    def get(self, key: str) -> bytes | None:
        """The object's bytes, or None where there is none.

        Raises
        ------
        FormatError
            If what is there is no file, or may not be read.
        """
        if not self.is_local:
            return self._far(key).get(key)
        return local.read(self._place(key))

    def size(self, key: str) -> int | None:
        """Bytes of the object, or None where there is none; raises as ``get`` does."""
        if not self.is_local:
            return self._far(key).size(key)
        return local.size_of(self._place(key))

    def opened(self, key: str, *, whole: bool = True) -> Blob | None:
        """The object open for reading, or None where there is none; close it in the end.

        Parameters
        ----------
        key : str
        whole : bool
            Whether all of it is wanted: from afar it then comes in one request, else by parts.

        Raises
        ------
        FormatError
            If what is there is no file, or may not be read.
        """
        if not self.is_local:
            return self._far(key).opened(key, whole=whole)
        return local.opened(self._place(key))

    def writing(self, key: str) -> contextlib.AbstractContextManager[Upload]:
        """Write an object piece by piece: it appears whole at the end of the block, or not at all.

        Raises
        ------
        StoreError
            If the disk is full; what was there before is still there.
        """
        if not self.is_local:
            return self._far(key).writing(key)
        return local.writing(self._place(key))

    def put(self, key: str, blob: bytes) -> None:
        """Write an object, whole or not at all.

        Raises
        ------
        StoreError
            If the disk is full; what was there before is still there.
        """
        if not self.is_local:
            self._far(key).put(key, blob)
            return
        with self.writing(key) as upload:
            upload.write(blob)

    def put_new(self, key: str, blob: bytes) -> bool:
        """Write an object if there is none; whether it did.

        Of several that try at once, in whatever process or host, one does.

        Raises
        ------
        StoreError
            If the disk is full.
        """
        if not self.is_local:
            return self._far(key).put_new(key, blob)
        return local.put_new(self._place(key), blob)

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""
        if not self.is_local:
            self._far(key).delete(key)
            return
        self._file(key).unlink(missing_ok=True)

    def keys(self, folder: str) -> list[str]:
        """Names of the objects directly in a folder, sorted; unfinished ones are left out."""
        if self.is_local:
            place = self._file(folder)
            names = [p.name for p in place.iterdir() if p.is_file()] if place.is_dir() else []
        else:
            names = self._far(folder).keys(folder)
        return sorted(name for name in names if not name.endswith(PARTIAL))

    def entries(self) -> set[str]:
        """Names of all objects and folders at the top; of what is a single file, its path.

        Unfinished objects are left out.
        """
        if self.is_local:
            place = Path(self.path)
            if place.is_file():
                return {str(place)}
            names = {p.name for p in place.iterdir()} if place.is_dir() else set()
        else:
            names = self._remote.entries()
        return {name for name in names if not name.endswith(PARTIAL)}

    def all_keys(self) -> set[str]:
        """Keys of all objects, at any depth; of what is a single file, its path.

        Unfinished objects are left out.
        """
        if self.is_local:
            place = Path(self.path)
            if place.is_file():
                return {str(place)}
            files = (path for path in place.rglob("*") if not path.is_dir())
            keys = {path.relative_to(place).as_posix() for path in files}
        else:
            keys = self._remote.all_keys()
        return {key for key in keys if not key.endswith(PARTIAL)}

    def exists(self) -> bool:
        """Whether anything is there."""
        if not self.is_local:
            return self._remote.exists()
        place = Path(self.path)
        return place.is_file() or (place.is_dir() and any(place.iterdir()))

    def remove_tree(self, folder: str) -> None:
        """Remove a folder and all below it, or an object; what is not there is no error."""
        if not self.is_local:
            self._far(folder).remove_tree(folder)
            return
        place = self._file(folder)
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)

    def zarr_store(self) -> Any:
        """What zarr and xarray read it by: a path, or a store with the same client as ours."""
        return self.path if self.is_local else self._remote.zarr_store()
