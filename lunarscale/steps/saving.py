"""Saving: a result is there whole, under its name, or not at all."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from lunarscale.store.location import Location


def save(path: Path, content: bytes | str) -> Path:
    """Write a file; text in UTF-8.

    Raises
    ------
    StoreError
        If the disk is full; what was there before is still there.
    OSError
        If it cannot be written for another reason; the same holds.
    """
    blob = content.encode() if isinstance(content, str) else content
    Location(str(path.parent)).put(path.name, blob)
    return path


def records_csv(records: Iterable[Mapping[str, object]], columns: Sequence[str]) -> str:
    """Records as CSV: a header, empty cells for None, floats that read back."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue()


def save_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    """Write a table as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return save(path, text.getvalue())
