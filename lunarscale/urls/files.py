"""Files of a bucket as fsspec shows files, read by the same client as stores."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fsspec.spec import AbstractBufferedFile, AbstractFileSystem

from lunarscale.errors import StoreError
from lunarscale.urls.clients import persist
from lunarscale.urls.options import Settings, settings_of

#: Parts asked for at a time: a tile's bands.
THREADS = 8


class BucketFiles(AbstractFileSystem):  # type: ignore[misc]  # fsspec has no types
    """What readers need of a bucket: to look, to list and to read.

    Parameters
    ----------
    scheme : str
        Of the URLs.
    options : mapping, optional
        As fsspec's.
    """

    cachable = False  # the clients are kept, once a process

    def __init__(self, scheme: str, options: Mapping[str, Any] | None) -> None:
        super().__init__()
        self.protocol = scheme
        self._options = options

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return path.rpartition("://")[2].strip("/")

    def _at(self, path: str) -> tuple[Settings, str, str]:
        """The client's settings, the name in the bucket, and the URL."""
        url = f"{self.protocol}://{self._strip_protocol(path)}"
        return *settings_of(url, self._options), url

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """A file's size, or that it is a folder.

        Raises
        ------
        FileNotFoundError
            If it is neither.
        """
        settings, name, url = self._at(path)
        try:
            found = persist(settings, lambda client: client.head(name), what=f"{url}: HEAD")
        except FileNotFoundError:
            self.ls(path)
            return {"name": self._strip_protocol(path), "size": 0, "type": "directory"}
        return {"name": self._strip_protocol(path), "size": int(found["size"]), "type": "file"}

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        """What lies directly in a folder.

        Raises
        ------
        FileNotFoundError
            If nothing does.
        """
        settings, name, url = self._at(path)
        found = persist(
            settings, lambda client: client.list_with_delimiter(name or None), what=f"{url}: LIST"
        )
        bucket = self._strip_protocol(path).partition("/")[0]
        entries = [
            {"name": f"{bucket}/{item['path']}", "size": int(item["size"]), "type": "file"}
            for item in found["objects"]
        ] + [
            {"name": f"{bucket}/{folder}", "size": 0, "type": "directory"}
            for folder in found["common_prefixes"]
        ]
        if not entries:
            raise FileNotFoundError(url)
        return entries if detail else [entry["name"] for entry in entries]

    def cat_file(
        self, path: str, start: int | None = None, end: int | None = None, **_: Any
    ) -> bytes:
        """A file's bytes, or those of a part; fewer where it ends."""
        settings, name, url = self._at(path)
        if start is None and end is None:
            return persist(settings, lambda client: bytes(client.get(name).bytes()), what=url)
        first = start or 0
        last = self.size(path) if end is None else end
        if last <= first:
            return b""
        try:
            return persist(
                settings,
                lambda client: bytes(client.get_range(name, start=first, end=last)),
                what=f"{url}: GET of a part",
            )
        except StoreError as error:
            if "416" not in str(error):
                raise
            return b""  # the file ends before

    def cat_ranges(
        self, paths: list[str], starts: list[int], ends: list[int], **_: Any
    ) -> list[bytes]:
        """Parts of files, some at a time."""
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(self.cat_file, paths, starts, ends))

    def _open(self, path: str, mode: str = "rb", **_: Any) -> "_BucketFile":
        return _BucketFile(self, path, mode, cache_type="readahead")


class _BucketFile(AbstractBufferedFile):  # type: ignore[misc]  # fsspec has no types
    """A file of a bucket that is open for reading."""

    def _fetch_range(self, start: int, end: int) -> bytes:
        return bytes(self.fs.cat_file(self.path, start, end))
