"""One file that a caller has uploaded, and what it may be called."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Kind = Literal["models", "tables", "polygons"]

KINDS: tuple[Kind, ...] = ("models", "tables", "polygons")

#: What an upload may be called; it becomes the name of a file.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}", re.ASCII)
NAME_RULE = "1 to 63 letters, digits, _ or - that begin with a letter or digit"


@dataclass(frozen=True)
class Upload:
    """A file that was uploaded, read and kept.

    Parameters
    ----------
    kind, name : str
    file : str
        Its file's name.
    bytes : int
    sha256 : str
    made : str
        When, UTC, ISO 8601.
    by : str
        Whose token it was uploaded with.
    holds : dict
        What was found in it (``service.trial``).
    """

    kind: str
    name: str
    file: str
    bytes: int
    sha256: str
    made: str
    by: str
    holds: dict[str, Any] = field(hash=False)


def is_readable(path: Path) -> bool:
    """Whether there is a file that can be read: a pipe in its place would be waited for."""
    return os.path.isfile(path) and os.access(path, os.R_OK)
