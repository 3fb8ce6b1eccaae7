"""A table that is written strip by strip, in one order, whatever order the strips come in."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Protocol

import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet

from lunarscale.errors import SourceError, StoreError


class Writer(Protocol):
    """What writes tables, one after the other."""

    def write_table(self, table: pa.Table) -> None:
        """Write one."""

    def close(self) -> None:
        """Write the end."""


class SampleFile:
    """A Parquet or CSV file that is there whole, under its name, or not at all.

    It is written aside, in a folder next to it that goes when this is closed. A strip that comes
    before its turn waits there, so that memory holds one strip only.

    Parameters
    ----------
    path : Path
        ``.parquet``, ``.csv``.
    schema : pyarrow.Schema
    strips : iterable of hashable
        What tells the strips apart, in their order.

    Raises
    ------
    SourceError
        If the suffix is another.
    """

    def __init__(self, path: Path, schema: pa.Schema, strips: Iterable[object]) -> None:
        require_suffix(path)
        self.path, self.rows = path, 0
        self._order = {strip: place for place, strip in enumerate(strips)}
        self._schema, self._next = schema, 0

    def __enter__(self) -> "SampleFile":
        self.path.parent.mkdir(parents=True, exist_ok=True)
        folder = tempfile.mkdtemp(prefix=f".{self.path.name}-", dir=self.path.parent)
        self._aside = Path(folder)
        self._written = self._aside / self.path.name
        self._writer = _writer(self._written, self._schema)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the file its name, if every strip is in it; else leave what was there.

        Raises
        ------
        StoreError
            If the disk is full.
        """
        try:
            self._writer.close()
            if kind is None and self._next == len(self._order):
                os.replace(self._written, self.path)
        except OSError as failed:
            error = error or failed
            if error is failed and not _is_full(failed):
                raise
        finally:
            shutil.rmtree(self._aside)
        if _is_full(error):
            raise StoreError(
                f"{self.path}: the disk is full: the samples do not fit; free some room, or name "
                "another place, and run the same command again"
            ) from error

    def add(self, strip: object, rows: pa.Table) -> None:
        """Take a strip; it is written when all before it are."""
        place = self._order[strip]
        if place != self._next:
            pyarrow.feather.write_feather(rows, self._waiting(place), compression="lz4")
            return
        self._write(rows)
        while (waiting := self._waiting(self._next)).exists():
            self._write(pyarrow.feather.read_table(waiting, memory_map=False))
            waiting.unlink()

    def _waiting(self, place: int) -> Path:
        return self._aside / f"{place}.arrow"

    def _write(self, rows: pa.Table) -> None:
        if rows.num_rows:
            self._writer.write_table(rows)
        self.rows += rows.num_rows
        self._next += 1


def _is_full(error: BaseException | None) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def require_suffix(path: Path) -> None:
    """Make sure that a file can be written by its name.

    Raises
    ------
    SourceError
        If it is neither ``.parquet`` nor ``.csv``.
    """
    if path.suffix.lower() not in (".parquet", ".csv"):
        found = f"not as {path.suffix}" if path.suffix else "but this has no suffix"
        raise SourceError(
            f"{path}: samples are written as .parquet or .csv, {found}; name a file of either kind"
        )


def _writer(path: Path, schema: pa.Schema) -> Writer:
    if path.suffix.lower() == ".csv":
        return _Csv(path, schema)
    writer: Writer = pyarrow.parquet.ParquetWriter(path, schema, compression="zstd")
    return writer


class _Csv:
    """Names of groups as plain text; what is missing is empty."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        plain = [
            pa.field(field.name, pa.string() if pa.types.is_dictionary(field.type) else field.type)
            for field in schema
        ]
        self._schema = pa.schema(plain)
        self._writer = pyarrow.csv.CSVWriter(path, self._schema)

    def write_table(self, table: pa.Table) -> None:
        """Write one."""
        self._writer.write_table(table.cast(self._schema))

    def close(self) -> None:
        """Write the end."""
        self._writer.close()
