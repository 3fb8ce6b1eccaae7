"""What is kept beside jobs: what they said, the files they made, and how fast they were."""

import hashlib
import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from statistics import median

from lunarscale.engine.record import now
from lunarscale.errors import UnknownError
from lunarscale.service.jobs.database import Database

#: Letters of a log's line, at most.
LONGEST_LINE = 4_000

#: Runs whose pace is remembered: of one kind, and of all together.
PACES_KEPT, ALL_PACES_KEPT = 5, 1_000


class Level(IntEnum):
    """How much a line matters (openEO's levels)."""

    DEBUG = 1
    INFO = 2
    WARNING = 3
    ERROR = 4

    @property
    def word(self) -> str:
        """As openEO writes it."""
        return self.name.lower()


@dataclass(frozen=True)
class Line:
    """A line of a job's log; ``id`` counts from 1."""

    id: int
    level: Level
    message: str
    time: str


@dataclass(frozen=True)
class Asset:
    """A file that a job made.

    Parameters
    ----------
    name, title, type : str
        Of the file; for people; its media type.
    bytes : int
    sha256 : str
    """

    name: str
    title: str
    type: str
    bytes: int
    sha256: str

    @classmethod
    def of(cls, path: Path, title: str) -> "Asset":
        """What a file is."""
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0]
        size = path.stat().st_size
        return cls(path.name, title, kind or "application/octet-stream", size, digest)


_TYPES = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".parquet": "application/vnd.apache.parquet",
    ".tif": "image/tiff; application=geotiff; profile=cloud-optimized",
}

_NUMBER = "(SELECT number FROM jobs WHERE id = ?)"


class Records:
    """What is kept beside jobs, in the same file; it goes with its job.

    Parameters
    ----------
    database : Database
    lines_kept : int
        Of a job's log: what is said later is not kept.
    """

    def __init__(self, database: Database, lines_kept: int) -> None:
        self._database, self._lines_kept = database, lines_kept

    def log(self, job: str, level: Level, message: str) -> None:
        """Keep a line of a job's log; of a job that is gone nothing is kept."""
        with self._database.writing() as database:
            found = database.execute(
                "SELECT number, (SELECT count(*) FROM logs WHERE job = number) AS lines "
                "FROM jobs WHERE id = ?",
                (job,),
            ).fetchone()
            if found is None or found["lines"] >= self._lines_kept:
                return
            if found["lines"] == self._lines_kept - 1:
                level, message = Level.WARNING, "more was said than is kept; this is the last line"
            database.execute(
                "INSERT INTO logs VALUES (?, ?, ?, ?, ?)",
                (found["number"], found["lines"] + 1, level, message[:LONGEST_LINE], now()),
            )

    def logs(self, job: str, *, offset: int, limit: int, level: Level) -> list[Line]:
        """Lines of a job's log after the one of a number, of a level or above."""
        with self._database.reading() as database:
            rows = database.execute(
                "SELECT id, level, message, time FROM logs "
                f"WHERE job = {_NUMBER} AND id > ? AND level >= ? ORDER BY id LIMIT ?",
                (job, offset, level, limit),
            ).fetchall()
        return [Line(row["id"], Level(row["level"]), row["message"], row["time"]) for row in rows]

    def keep(self, job: str, assets: Sequence[Asset]) -> None:
        """Keep what a job made, in place of what it made before."""
        with self._database.writing() as database:
            found = database.execute("SELECT number FROM jobs WHERE id = ?", (job,)).fetchone()
            if found is None:
                return
            database.execute("DELETE FROM assets WHERE job = ?", (found["number"],))
            database.executemany(
                "INSERT INTO assets VALUES (?, ?, ?, ?, ?, ?)",
                [(found["number"], a.name, a.title, a.type, a.bytes, a.sha256) for a in assets],
            )

    def assets(self, job: str) -> list[Asset]:
        """What a job made, by name."""
        with self._database.reading() as database:
            rows = database.execute(
                f"SELECT name, title, type, bytes, sha256 FROM assets WHERE job = {_NUMBER} "
                "ORDER BY name",
                (job,),
            ).fetchall()
        return [Asset(**dict(row)) for row in rows]

    def asset(self, job: str, name: str) -> Asset:
        """The file of a name that a job made.

        Raises
        ------
        UnknownError
            If it made none of that name.
        """
        made = self.assets(job)
        for asset in made:
            if asset.name == name:
                return asset
        has = ", ".join(asset.name for asset in made) or "no file"
        raise UnknownError(f"the job {job} made no {name[:80]!r}; it made {has}")

    def pace(self, verb: str, kind: str, *, pixels: int, seconds: float) -> None:
        """Remember how long a run took."""
        with self._database.writing() as database:
            database.execute(
                "INSERT INTO paces (verb, kind, pixels, seconds) VALUES (?, ?, ?, ?)",
                (verb, kind, pixels, seconds),
            )
            database.execute(
                "DELETE FROM paces WHERE verb = ?1 AND kind = ?2 AND number NOT IN (SELECT number "
                "FROM paces WHERE verb = ?1 AND kind = ?2 ORDER BY number DESC LIMIT ?3)",
                (verb, kind, PACES_KEPT),
            )
            database.execute(
                "DELETE FROM paces WHERE number <= (SELECT max(number) FROM paces) - ?",
                (ALL_PACES_KEPT,),
            )

    def expected(self, verb: str, kind: str, pixels: int) -> tuple[float | None, str]:
        """Seconds that a run will take as the last ones did, or None; and why, in words.

        Runs of the same kind count where there are any, else all of the verb.
        """
        with self._database.reading() as database:
            rows = database.execute(
                "SELECT kind, pixels / seconds AS rate FROM paces WHERE verb = ? ORDER BY number",
                (verb,),
            ).fetchall()
        if not rows:
            return None, f"no {verb} has run on this service yet, so its rate is not known"
        same = [row["rate"] for row in rows if row["kind"] == kind]
        rates = same or [row["rate"] for row in rows]
        like = "like this one" if same else "with other parameters"
        basis = (
            f"the median rate of {len(rates)} earlier run{'s' * (len(rates) > 1)} {like}, "
            f"{median(rates) / 1e6:.3g} Mpx/s"
        )
        return pixels / median(rates), basis
