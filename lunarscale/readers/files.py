"""Bytes of a file, wherever it lies: plain ``open`` on this machine, fsspec for URLs."""

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import fsspec
import numpy as np
from fsspec.core import url_to_fs
from numpy.typing import NDArray

from lunarscale.errors import LunarscaleError, StoreError, TileError
from lunarscale.urls.options import is_bucket
from lunarscale.urls.secrets import refuse_secrets

Options = Mapping[str, Any] | None


def is_local(path: str) -> bool:
    """Whether a path is one of this machine's own, not an fsspec URL."""
    return "://" not in path and "::" not in path


def file_system(path: str, options: Options) -> tuple[fsspec.AbstractFileSystem, str]:
    """The file system of a path or URL, and the path as that file system writes it.

    Raises
    ------
    SourceError
        If the URL carries a key.
    """
    if is_bucket(path):
        from lunarscale.urls.files import BucketFiles  # a run on folders needs no client

        files = BucketFiles(path.partition("://")[0], options)
        return files, str(files._strip_protocol(path))
    refuse_secrets(path)
    fs, inner = url_to_fs(path, **(options or {}))
    return fs, str(inner)


@contextmanager
def reaching(
    path: str, error_class: type[LunarscaleError] = TileError, *, advice: str = ""
) -> Iterator[None]:
    """Turn a failure to reach ``path`` into one sentence of ``error_class``."""
    try:
        yield
    except StoreError as error:  # of a bucket: one finished sentence
        raise error_class(f"{error}{advice}") from error
    except (LunarscaleError, MemoryError):
        raise
    except FileNotFoundError as error:
        raise error_class(f"{path}: there is no such file{advice}") from error
    except PermissionError as error:
        raise error_class(f"{path}: no permission to read it{advice}") from error
    except Exception as error:  # every fsspec backend has its own tree of errors
        why = " ".join(str(error).split()) or type(error).__name__
        raise error_class(f"{path}: cannot be read ({why}){advice}") from error


def file_size(path: str, options: Options = None) -> int:
    """Size of a file in bytes.

    Raises
    ------
    TileError
        If the file is not there or cannot be reached.
    """
    with reaching(path):
        if is_local(path):
            return os.stat(path).st_size
        fs, inner = file_system(path, options)
        if (size := fs.size(inner)) is None:
            raise TileError(f"{path}: the server does not tell its size; fetch it to this machine")
        return int(size)


def kind_of(path: str, options: Options = None) -> str | None:
    """``file``, ``directory``, or None where nothing is there; for use within ``reaching``.

    Not fsspec's ``isfile``, which takes a refused connection or missing keys for an absent file.
    """
    fs, inner = file_system(path, options)
    try:
        return str(fs.info(inner)["type"])
    except FileNotFoundError as error:
        cause = error.__cause__  # the HTTP file system says "not found" to any failure
        if isinstance(cause, OSError) and not isinstance(cause, FileNotFoundError):
            raise cause from None
        return None


def read_ranges(
    path: str, ranges: Sequence[tuple[int, int]], options: Options = None
) -> list[bytes]:
    """The bytes of some half-open ranges of a file; shorter where the file ends within one.

    Raises
    ------
    TileError
        If the file is not there or cannot be reached.
    """
    with reaching(path):
        if is_local(path):
            with open(path, "rb", opener=_file) as file:
                return [_read_at(file.fileno(), start, stop) for start, stop in ranges]
        fs, inner = file_system(path, options)
        starts, stops = [start for start, _ in ranges], [stop for _, stop in ranges]
        pieces = fs.cat_ranges([inner] * len(ranges), starts, stops, on_error="raise")
    if any(len(p) > stop - start for p, (start, stop) in zip(pieces, ranges, strict=True)):
        raise TileError(f"{path}: the server gives whole files only; fetch it to this machine")
    return list(pieces)


def _file(path: str, flags: int) -> int:
    """Open a file; a pipe in its place is refused, and not waited for."""
    descriptor = os.open(path, flags | os.O_NONBLOCK)
    try:
        _require_file(path, os.fstat(descriptor))
    except TileError:
        os.close(descriptor)
        raise
    return descriptor


def require_file(path: str) -> None:
    """Make sure that a path of this machine leads to a file, for readers that would wait for pipes.

    Raises
    ------
    TileError
        If it does not.
    """
    with reaching(path):
        _require_file(path, os.stat(path))


def _require_file(path: str, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise TileError(
            f"{path}: this should be a file but is a folder, a pipe or the like; fetch the tile "
            "again"
        )


def _read_at(descriptor: int, start: int, stop: int) -> bytes:
    os.lseek(descriptor, start, os.SEEK_SET)
    pieces = []
    while start < stop and (piece := os.read(descriptor, stop - start)):
        pieces.append(piece)
        start += len(piece)
    return b"".join(pieces)


def read_into(
    path: str, starts: Sequence[int], planes: Sequence[NDArray[Any]], options: Options = None
) -> int:
    """Fill arrays with the bytes of a file from some places on; returns the bytes that were there.

    Parameters
    ----------
    path : str
    starts : sequence of int
        Byte, counted from 0, at which each array's begin.
    planes : sequence of ndarray
        Contiguous; where the file ends within one, the rest of it stays as it is.
    options : dict, optional
        Options for fsspec.

    Raises
    ------
    TileError
        If the file is not there or cannot be reached.
    """
    views = [plane.view(np.uint8).reshape(-1).data for plane in planes]
    if is_local(path):
        with reaching(path), open(path, "rb", buffering=0, opener=_file) as file:
            return sum(
                _fill_at(file.fileno(), start, view)
                for start, view in zip(starts, views, strict=True)
            )
    ranges = [(start, start + len(view)) for start, view in zip(starts, views, strict=True)]
    pieces = read_ranges(path, ranges, options)
    for piece, view in zip(pieces, views, strict=True):
        view[: len(piece)] = piece
    return sum(map(len, pieces))


def _fill_at(descriptor: int, start: int, view: memoryview) -> int:
    done = 0
    while done < len(view) and (read := os.preadv(descriptor, [view[done:]], start + done)):
        done += read
    return done


def sibling(path: str, name: str) -> str:
    """The path of a file called ``name`` in the folder of ``path``."""
    folder, slash, _ = path.rpartition("/")
    return f"{folder}{slash}{name}"


def base_name(path: str) -> str:
    """The last part of a path or URL."""
    return path.rstrip("/").rpartition("/")[2]


def in_any_case(path: str, names: Sequence[str], options: Options = None) -> str | None:
    """The first of ``names`` that lies beside ``path``, in any case that an archive copy has.

    Copies of the discs come as ``ui03n003.img``, ``UI03N003.IMG`` and ``Ui03n003.img``
    (Clementine UVVIS errata, "Upper-case and lower-case file names").
    """
    spelled = [s for name in names for s in (name, name.lower(), name.upper(), name.capitalize())]
    beside = (sibling(path, name) for name in dict.fromkeys(spelled))
    with reaching(path):
        return next((name for name in beside if kind_of(name, options) == "file"), None)
