"""Objects of a bucket: S3 and what speaks like it, Google's and Azure's."""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lunarscale.errors import StoreError, TornError
from lunarscale.store.bucket_upload import WHOLE_BYTES, BucketUpload
from lunarscale.store.objects import Blob, HeldBlob, Upload
from lunarscale.store.ranged import RangedBlob
from lunarscale.urls.at_once import at_once
from lunarscale.urls.clients import client_of, persist
from lunarscale.urls.options import Settings, settings_of
from lunarscale.urls.patience import PassingError

#: Bytes at an object's end that come with the first request for a part of it: a shard's index.
TAIL_BYTES = 2**16


#: Settings whose server was seen to refuse a second object of one name.
_refuses_second: set[Settings] = set()


@dataclass(frozen=True)
class Bucket:
    """Objects below a path of a bucket.

    No listing is taken for the truth: what one shows and is gone is not told, and what one misses
    is found by its name.

    Parameters
    ----------
    url : str
    settings : Settings
    prefix : str
        The path in the bucket.
    """

    url: str
    settings: Settings
    prefix: str

    @classmethod
    def at(cls, url: str, options: dict[str, Any]) -> "Bucket":
        """The objects at a URL, with storage options as fsspec's."""
        settings, prefix = settings_of(url, options)
        return cls(url, settings, prefix)

    @property
    def path(self) -> str:
        """Bucket and path."""
        return f"{self.settings.bucket}/{self.prefix}".rstrip("/")

    def _name(self, key: str) -> str:
        return f"{self.prefix}/{key}".strip("/")

    def _what(self, verb: str, key: str = "") -> str:
        return f"{f'{self.url}/{key}'.rstrip('/')}: {verb}"

    def get(self, key: str) -> bytes | None:
        """The object's bytes, or None where there is none."""
        found = self._fetch(key)
        return None if found is None else bytes(found)

    def _fetch(self, key: str) -> Any | None:
        """The object as the client gives it, not copied."""
        try:
            return persist(
                self.settings,
                lambda client: _whole(client.get(self._name(key))),
                what=self._what("GET", key),
            )
        except FileNotFoundError:
            return None

    def size(self, key: str) -> int | None:
        """Bytes of the object, or None where there is none."""
        try:
            return persist(
                self.settings,
                lambda client: int(client.head(self._name(key))["size"]),
                what=self._what("HEAD", key),
            )
        except FileNotFoundError:
            return None

    def opened(self, key: str, *, whole: bool = True) -> Blob | None:
        """The object open for reading, or None where there is none.

        Parameters
        ----------
        key : str
        whole : bool
            Whether all of it is wanted: it comes in one request. Else its end comes, and then what
            is asked for.
        """
        if whole:
            found = self._fetch(key)
            return None if found is None else HeldBlob(found)
        try:
            return self._opened_in_parts(key)
        except FileNotFoundError:
            return None

    def _opened_in_parts(self, key: str) -> Blob:
        what, name = self._what("GET of a part", key), self._name(key)

        size, tag, tail = persist(self.settings, lambda client: _end(client, name), what=what)

        def part(offset: int, length: int) -> Any:
            options: dict[str, Any] = {"range": (offset, offset + length)}
            if tag is not None:
                options["if_match"] = tag
            return persist(
                self.settings,
                lambda client: _unchanged(client, name, options, where=f"{self.url}/{key}"),
                what=what,
            )

        return RangedBlob(size, part, np.frombuffer(tail, np.uint8))

    def put(self, key: str, blob: bytes) -> None:
        """Write an object, whole or not at all; a large one in parts."""
        if len(blob) > WHOLE_BYTES:
            with self.writing(key) as upload:
                upload.write(blob)
            return
        self._put(key, blob)

    def _put(self, key: str, blob: bytes, *, mode: str = "overwrite") -> None:
        what = self._what("PUT", key)
        try:
            persist(
                self.settings,
                lambda client: client.put(self._name(key), blob, mode=mode, use_multipart=False),
                what=what,
            )
        except FileNotFoundError as error:  # a server that does not say which thing is not there
            raise StoreError(
                f"{what} failed: the bucket {self.settings.bucket} is not there; make it first"
            ) from error

    def put_new(self, key: str, blob: bytes) -> bool:
        """Write an object if there is none; whether it did.

        Raises
        ------
        StoreError
            If the server ignores the condition, so that two could both win.
        """
        name, tries = self._name(key), [0]

        def attempt(client: Any) -> bool:
            tries[0] += 1
            if _is_created(client, name, blob):
                return True
            # the answer to an earlier try of ours may have been lost: what is there decides
            return tries[0] > 1 and bytes(_whole(client.get(name))) == blob

        won = persist(self.settings, attempt, what=self._what("PUT of a new object", key))
        if won and self.settings not in _refuses_second:
            again = persist(
                self.settings,
                lambda client: _is_created(client, name, blob),
                what=self._what("PUT of a new object", key),
            )
            if again:
                raise StoreError(
                    f"{self.url}: this object store does not follow If-None-Match (a second object "
                    "of one name was taken), so two runs could write at once; use a server that "
                    "does, or a folder"
                )
            _refuses_second.add(self.settings)
        return won

    @contextlib.contextmanager
    def writing(self, key: str) -> Iterator[Upload]:
        """Write an object piece by piece, in parts that go when they are full.

        It is there whole at the end of the block, or not at all: after an error nothing is left of
        its parts.
        """
        upload = BucketUpload(
            self.settings,
            self._name(key),
            where=f"{self.url}/{key}",
            whole=lambda blob: self._put(key, blob),
            fetch=lambda: self._fetch(key),
        )
        try:
            yield upload
        except BaseException as error:
            upload.abort(error)
            raise
        upload.finish()

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""
        with contextlib.suppress(FileNotFoundError):
            persist(
                self.settings,
                lambda client: client.delete(self._name(key)),
                what=self._what("DELETE", key),
            )

    def keys(self, folder: str) -> list[str]:
        """Names of the objects directly in a folder, as a listing shows them."""
        return [path.rsplit("/", 1)[-1] for path in self._level(folder)["objects"]]

    def entries(self) -> set[str]:
        """Names of all objects and folders at the top; of what is a single file, its path."""
        level = self._level("")
        names = {path.rsplit("/", 1)[-1] for path in (*level["objects"], *level["common_prefixes"])}
        return names or ({self.path} if self._is_object() else set())

    def all_keys(self) -> set[str]:
        """Keys of all objects that are there, at any depth; of a single file, its path."""
        listed = self._listed("")
        sizes = at_once(self.size, listed)
        keys = {key for key, size in zip(listed, sizes, strict=True) if size is not None}
        return keys or ({self.path} if self._is_object() else set())

    def exists(self) -> bool:
        """Whether anything is there."""
        # a store's own document is asked for by name: a listing may not show it yet
        if self.size("zarr.json") is not None or self._is_object():
            return True
        return any(self.size(key) is not None for key in self._listed(""))

    def remove_tree(self, folder: str) -> None:
        """Remove a folder and all below it, or an object; what is not there is no error."""
        names = [self._name(f"{folder}/{key}".lstrip("/")) for key in self._listed(folder)]
        if self._name(folder):
            names.append(self._name(folder))
        for first in range(0, len(names), 1000):
            some = names[first : first + 1000]
            with contextlib.suppress(FileNotFoundError):
                persist(
                    self.settings,
                    lambda client, some=some: client.delete(some),  # type: ignore[misc]
                    what=self._what("DELETE", folder),
                )

    def zarr_store(self) -> Any:
        """What zarr and xarray read it by; the client in it tries again by itself."""
        from zarr.storage import ObjectStore

        return ObjectStore(
            client_of(self.settings, insists=True, prefix=self.prefix), read_only=True
        )

    def _is_object(self) -> bool:
        """Whether the URL is one object's."""
        return bool(self.prefix) and self.size("") is not None

    def _listed(self, folder: str) -> list[str]:
        """Keys below a folder, relative to it, as a listing shows them."""
        top = self._name(folder)

        def every(client: Any) -> list[str]:
            pages: Iterable[Any] = client.list(top or None)
            return [found["path"] for page in pages for found in page]

        found = persist(self.settings, every, what=self._what("LIST", folder))
        return [path.removeprefix(f"{top}/") for path in found if path != top]

    def _level(self, folder: str) -> dict[str, list[str]]:
        """Paths of objects and of folders directly in a folder, as a listing shows them."""

        def level(client: Any) -> dict[str, list[str]]:
            found = client.list_with_delimiter(self._name(folder) or None)
            return {
                "objects": [item["path"] for item in found["objects"]],
                "common_prefixes": list(found["common_prefixes"]),
            }

        return persist(self.settings, level, what=self._what("LIST", folder))


def _whole(found: Any) -> Any:
    """All of an answer's bytes; an answer that is cut off is tried again."""
    held, promised = found.bytes(), int(found.meta["size"])
    if len(held) != promised:
        raise PassingError(f"{promised:,} bytes were promised but {len(held):,} came")
    return held


def _end(client: Any, name: str) -> tuple[int, str | None, Any]:
    """Size and tag of an object, and its last bytes."""
    import obstore.exceptions

    try:
        found = client.get(name, options={"range": {"suffix": TAIL_BYTES}})
    except obstore.exceptions.GenericError as error:
        # an empty object has no last bytes, and some servers know no parts
        if "non-partial" not in str(error) and "status code: 416" not in str(error):
            raise
        found = client.get(name)
    return int(found.meta["size"]), found.meta["e_tag"], found.bytes()


def _unchanged(client: Any, name: str, options: dict[str, Any], *, where: str) -> Any:
    """A part of the object that was opened."""
    import obstore.exceptions

    try:
        return client.get(name, options=options).bytes()
    except (obstore.exceptions.PreconditionError, FileNotFoundError) as error:
        raise TornError(
            f"{where}: the object was written anew or removed while it was read; let nobody write "
            "to the store meanwhile and run the same command again"
        ) from error


def _is_created(client: Any, name: str, blob: bytes) -> bool:
    """Whether an object could be made where none is."""
    import obstore.exceptions

    try:
        client.put(name, blob, mode="create", use_multipart=False)
    except (obstore.exceptions.AlreadyExistsError, obstore.exceptions.PreconditionError):
        return False
    return True
