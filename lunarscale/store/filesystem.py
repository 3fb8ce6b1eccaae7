"""Objects behind an fsspec URL that has no client of our own: memory, HTTP, archives."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeVar

import fsspec
import numpy as np

from lunarscale.errors import StoreError
from lunarscale.store.objects import Blob, HeldBlob, HeldUpload, Upload
from lunarscale.store.ranged import RangedBlob
from lunarscale.urls.patience import PassingError, Patience
from lunarscale.urls.secrets import refuse_secrets, without_secrets

Result = TypeVar("Result")

#: HTTP's answers that pass by themselves.
_PASSING = (408, 425, 429, 500, 502, 503, 504)

#: A filesystem in memory looks first and makes then: of several threads one at a time.
_creating = Lock()

_ADVICE = "see whether the server is up and reachable, then run the same command again"


@dataclass(frozen=True)
class AnyFilesystem:
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
        return self._once(lambda _, path: path)

    def _once(self, ask: Callable[[Any, str], Result]) -> Result:
        """What the filesystem answers; what it raises, but for absence, is a StoreError."""
        refuse_secrets(self.url)
        # what another process wrote must be seen: no listing is remembered
        options = {"use_listings_cache": False, **self.options}
        try:
            filesystem, path = fsspec.core.url_to_fs(self.url, **options)
            return ask(filesystem, str(path).rstrip("/"))
        except FileNotFoundError as error:
            # to its HTTP filesystem any failure is "not found"
            if error.__cause__ is not None and _passes(error.__cause__):
                raise PassingError(_reason(error.__cause__)) from None
            raise
        except (FileExistsError, NotADirectoryError, MemoryError):
            raise
        except Exception as error:  # every fsspec backend has its own tree of errors
            if _passes(error):
                raise PassingError(_reason(error)) from error
            raise StoreError(f"{self.url}: cannot be reached: {_reason(error)}") from error

    def _ask(self, ask: Callable[[Any, str], Result]) -> Result:
        """The same, with patience."""
        what = f"{self.url}: a request"
        return Patience().persist(lambda: self._once(ask), what=what, advice=_ADVICE)

    def get(self, key: str) -> bytes | None:
        """The object's bytes, or None where there is none."""
        try:
            return self._ask(lambda files, path: bytes(files.cat_file(f"{path}/{key}")))
        except FileNotFoundError:
            return None

    def size(self, key: str) -> int | None:
        """Bytes of the object, or None where there is none."""
        try:
            return self._ask(lambda files, path: int(files.size(f"{path}/{key}")))
        except FileNotFoundError:
            return None

    def opened(self, key: str, *, whole: bool = True) -> Blob | None:
        """The object, read whole or by parts, or None where there is none."""
        if whole:
            blob = self.get(key)
            return None if blob is None else HeldBlob(blob)

        def part(offset: int, size: int) -> bytes:
            end = offset + size
            found = self._ask(
                lambda files, path: bytes(files.cat_file(f"{path}/{key}", start=offset, end=end))
            )
            # some web servers know no parts and give the whole
            return found if len(found) <= size else found[offset:end]

        size = self.size(key)
        return None if size is None else RangedBlob(size, part, np.empty(0, np.uint8))

    def put(self, key: str, blob: bytes) -> None:
        """Write an object, whole or not at all."""
        self._ask(lambda files, path: files.pipe_file(f"{path}/{key}", blob))

    def put_new(self, key: str, blob: bytes) -> bool:
        """Write an object if there is none; whether it did."""
        try:
            with _creating:
                # once: it cannot be told whether a first try that failed was ours
                self._once(
                    lambda files, path: files.pipe_file(f"{path}/{key}", blob, mode="create")
                )
        except FileExistsError:
            return False
        except PassingError as error:
            raise StoreError(f"{self.url}/{key}: cannot be written: {error}; {_ADVICE}") from None
        return True

    @contextlib.contextmanager
    def writing(self, key: str) -> Iterator[Upload]:
        """Write an object at the end of the block."""
        upload = HeldUpload()
        yield upload
        self.put(key, upload.to_bytes())

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""
        with contextlib.suppress(FileNotFoundError):
            self._ask(lambda files, path: files.rm_file(f"{path}/{key}"))

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
        found = self._ask(lambda files, path: [(path, name) for name in files.find(path)])
        return {name.removeprefix(f"{path}/") for path, name in found}

    def _listing(self, folder: str) -> list[dict[str, Any]]:
        """What the filesystem says of everything directly in a folder."""
        try:
            return self._ask(
                lambda files, path: list(files.ls(f"{path}/{folder}".rstrip("/"), detail=True))
            )
        except (FileNotFoundError, NotADirectoryError):
            return []

    def exists(self) -> bool:
        """Whether anything is there."""
        return self._ask(lambda files, path: bool(files.exists(path)))

    def remove_tree(self, folder: str) -> None:
        """Remove a folder and all below it, or an object; what is not there is no error."""
        with contextlib.suppress(FileNotFoundError):
            self._ask(lambda files, path: files.rm(f"{path}/{folder}".rstrip("/"), recursive=True))

    def zarr_store(self) -> Any:
        """What zarr and xarray read it by."""
        from zarr.storage import FsspecStore

        return FsspecStore.from_url(self.url, storage_options=self.options, read_only=True)


def _passes(error: BaseException) -> bool:
    """Whether an error may be gone when it is tried again."""
    if getattr(error, "status", None) in _PASSING:
        return True
    return isinstance(error, ConnectionError | TimeoutError)


def _reason(error: BaseException) -> str:
    return without_secrets(" ".join(str(error).split())) or type(error).__name__
