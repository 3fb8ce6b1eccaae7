"""Tables of stations in CSV, a user's or the package's own, read with one set of checks.

Columns: ``name``, the camera's reflectances ``R750``, oxides ``FeO_wt_pct`` (one at least, a cell
empty where it was not measured); if wanted ``station`` (a number, else the row's), ``site``,
``lon``, ``lat``, ``estimated`` (yes or no), ``sources``, ``note``, and ``pixels`` and
``chem_point`` for people. Lines that start with ``#`` are comments; ``# source KEY: R415 R750``
says where columns come from, and ``KEY: FeO_wt_pct`` in a row's ``sources`` (several parted by
``;``) where single values do.
"""

import csv
import difflib
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lunarscale.errors import StationError
from lunarscale.moon import normalise_longitude
from lunarscale.stations.checks import as_wt_pct, check_table
from lunarscale.stations.station import OXIDES, STATION_BANDS, Station, StationTable

_OXIDE_COLUMNS = {f"{oxide}_wt_pct": oxide for oxide in OXIDES}
_OTHER_COLUMNS = ("station", "site", "lon", "lat", "estimated", "sources", "note")
_FOR_PEOPLE = ("pixels", "chem_point")

#: Bytes of a table; the package's own have some 10,000.
LARGEST_TABLE = 10_000_000

#: Letters of a station's name, and of its site's.
LONGEST_NAME = 80

#: Other characters that programs part columns by.
_OTHER_COMMAS = {";": "semicolons", "\t": "tabs", "|": "bars"}

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


def read_stations(path: Path | str, camera: str, *, fractions: bool | None = None) -> StationTable:
    """A user's table of stations.

    Parameters
    ----------
    path : Path
        CSV, UTF-8, with the columns of ``lunarscale/tables/clementine_stations.csv``.
    camera : str
        Name of the camera that saw the stations, ``clementine-uvvis``.
    fractions : bool, optional
        Whether oxides are weight fractions and not wt %; if not given, a table that looks so is
        refused with the question.

    Raises
    ------
    StationError
        If the file is not such a table; the message names the line, the column and the value.
    """
    path = Path(path)
    if camera not in STATION_BANDS:
        raise StationError(
            f"there are no stations for the camera {camera!r}; it is {' or '.join(STATION_BANDS)}"
        )
    if not path.is_file():
        raise StationError(f"{path}: there is no such file; give a table in CSV")
    if (size := path.stat().st_size) > LARGEST_TABLE:
        raise StationError(
            f"{path} has {size:,} bytes but a table of stations may have {LARGEST_TABLE:,}; is it "
            "another file?"
        )
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise StationError(
            f"{path}: this is not text in UTF-8 (byte {error.start}); save the table as CSV, UTF-8"
        ) from error
    return table_of(text, camera, title=path.name, fractions=fractions)


def table_of(text: str, camera: str, *, title: str, fractions: bool | None = None) -> StationTable:
    """A table from the text of its CSV; see `read_stations`."""
    form = _Form.of_header(text, title, camera)
    # comments stay as empty lines, which are passed over but counted
    lines = ["" if line.startswith("#") else line for line in text.splitlines()]
    reader = csv.reader(lines)
    stations, places = [], []
    try:
        header = [column.strip() for column in next(filter(None, reader), [])]
        form.check_columns(header)
        for cells in filter(None, reader):
            place = f"{title}, line {reader.line_num}"
            places.append(place)
            row = _Row.of(cells, header, place=place, form=form)
            stations.append(row.station(len(places)))
    except csv.Error as error:
        raise StationError(
            f"{title}, line {reader.line_num}: this is no row of a table ({error}); mend its quotes"
        ) from error
    stations = as_wt_pct(stations, title, fractions=fractions)
    return StationTable(title, camera, tuple(stations), check_table(stations, places, title))


@dataclass(frozen=True)
class _Form:
    """What the rows of a table have in common."""

    title: str
    bands: dict[str, int]
    sources: dict[str, str]

    @classmethod
    def of_header(cls, text: str, title: str, camera: str) -> "_Form":
        sources: dict[str, str] = {}
        for line in text.splitlines():
            if told := re.match(r"#\s*source\s+(.*:.*)", line):
                sources |= _sources(told[1], title)
        return cls(title, {f"R{w}": w for w in STATION_BANDS[camera]}, sources)

    def check_columns(self, columns: list[str]) -> None:
        """Refuse a header that lacks a column, has one twice, or has one that nobody reads."""
        needed = ("name", *self.bands)
        if not columns:
            raise StationError(
                f"{self.title}: the table is empty; its first line names its columns, "
                f"{', '.join(needed)} and oxides such as FeO_wt_pct"
            )
        known = (*needed, *_OXIDE_COLUMNS, *_OTHER_COLUMNS, *_FOR_PEOPLE)
        unknown = [column for column in columns if column not in known]
        missing = [column for column in needed if column not in columns]
        if len(columns) == 1:
            for mark, name in _OTHER_COMMAS.items():
                if columns[0].count(mark) >= len(self.bands):
                    raise StationError(
                        f"{self.title}: the columns are parted by {name}; save the table with "
                        "commas between columns and points in numbers"
                    )
        if unknown or missing:
            faults = []
            if missing:
                faults.append(f"has no column {', '.join(_offer(c, unknown) for c in missing)}")
            if unknown:
                faults.append(f"has the unknown {', '.join(_offer(c, known) for c in unknown)}")
            raise StationError(
                f"{self.title}: the table {' and '.join(faults)}; columns are parted by commas and "
                "named as in the package's own table"
            )
        if twice := {column for column in columns if columns.count(column) > 1}:
            raise StationError(
                f"{self.title}: the column {', '.join(sorted(twice))} is there twice; keep one"
            )
        if not set(columns) & set(_OXIDE_COLUMNS):
            raise StationError(
                f"{self.title}: there is no oxide among the columns; add one or more of "
                f"{', '.join(_OXIDE_COLUMNS)}"
            )


@dataclass(frozen=True)
class _Row:
    """One row, whose cells are read with messages that name its line and column."""

    cells: dict[str, str]
    place: str
    form: _Form

    @classmethod
    def of(cls, cells: list[str], header: list[str], *, place: str, form: _Form) -> "_Row":
        if len(cells) != len(header):
            raise StationError(
                f"{place}: the row has {len(cells)} cells but the header {len(header)} columns; "
                "mend its commas (a cell with commas in it stands in double quotes)"
            )
        return cls(dict(zip(header, cells, strict=True)), place, form)

    def text(self, column: str) -> str:
        """A cell, empty where the table has no such column."""
        return self.cells.get(column, "").strip()

    def number(self, column: str) -> float | None:
        """A finite number, or None where the cell is empty."""
        text = self.text(column)
        if not text:
            return None
        value = float(text) if _NUMBER.fullmatch(text) else math.nan
        if not math.isfinite(value):
            raise StationError(
                f"{self.place}: {column} is {_shown(text)!r}, which is no number; write digits and "
                "a decimal point alone, or leave an oxide's cell empty where it was not measured"
            )
        return value

    def reflectance(self, column: str) -> float:
        """A reflectance as a fraction, above 0 and at most 1."""
        value = self.number(column)
        if value is None or not 0.0 < value <= 1.0:
            found = "empty" if value is None else f"{value:g}"
            advice = "is it in percent?" if value and value > 1.0 else "mend it or drop the station"
            raise StationError(
                f"{self.place}: {column} is {found}, but a reflectance is a fraction above 0 and "
                f"at most 1; {advice}"
            )
        return value

    def place_on_moon(self) -> tuple[float | None, float | None]:
        """Degrees east, -180..180, and north; both or neither."""
        lon, lat = self.number("lon"), self.number("lat")
        if (lon is None) != (lat is None):
            raise StationError(f"{self.place}: lon and lat belong together; give both or neither")
        if lon is None or lat is None:
            return None, None
        if not (-180.0 <= lon <= 360.0 and -90.0 <= lat <= 90.0):
            raise StationError(
                f"{self.place}: lon {lon:g}, lat {lat:g} is no place on the Moon; lon is degrees "
                "east from -180 to 360, lat degrees north from -90 to 90"
            )
        # its own digits, where it need not be brought into range
        return lon if -180.0 <= lon < 180.0 else normalise_longitude(lon), lat

    def identity(self, count: int) -> tuple[int, str]:
        """Number and name."""
        number, name = self.text("station") or str(count), self.text("name")
        if not name:
            raise StationError(f"{self.place}: the station has no name; give it one")
        for column in ("name", "site"):
            if not self.text(column).isprintable() or len(self.text(column)) > LONGEST_NAME:
                raise StationError(
                    f"{self.place}: the {column} {_shown(self.text(column))!r} is no name; write "
                    f"one line of at most {LONGEST_NAME} letters"
                )
        if not re.fullmatch(r"\d{1,9}", number):
            raise StationError(
                f"{self.place}: station is {_shown(number)!r}; a whole number is needed"
            )
        return int(number), name

    def estimated(self) -> bool:
        """Whether the reflectances are estimates."""
        said = self.text("estimated").lower()
        if said not in ("", "no", "yes"):
            raise StationError(f"{self.place}: estimated is {said!r}; write yes or no")
        return said == "yes"

    def station(self, count: int) -> Station:
        """The row as a station; ``count`` numbers it where the table does not."""
        number, name = self.identity(count)
        lon, lat = self.place_on_moon()
        oxides = {oxide: self.number(column) for column, oxide in _OXIDE_COLUMNS.items()}
        sources = self.form.sources | _sources(self.text("sources"), self.place)
        return Station(
            number=number,
            name=name,
            site=self.text("site") or name,
            lon=lon,
            lat=lat,
            reflectance={w: self.reflectance(column) for column, w in self.form.bands.items()},
            oxides_wt_pct={oxide: value for oxide, value in oxides.items() if value is not None},
            sources={column: key for column, key in sources.items() if self.text(column)},
            estimated=self.estimated(),
            note=self.text("note"),
        )


def _sources(text: str, place: str) -> dict[str, str]:
    """Keys by column of ``KEY: column column; KEY: column``."""
    keys: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        key, colon, columns = part.partition(":")
        if not (colon and key.strip() and columns.strip()):
            raise StationError(
                f"{place}: the sources {part!r} are not written as 'KEY: column column'; mend them"
            )
        keys |= dict.fromkeys(columns.split(), key.strip())
    return keys


def _shown(text: str) -> str:
    """As much of a text as a sentence bears."""
    return text if len(text) <= LONGEST_NAME else f"{text[:LONGEST_NAME]}…"


def _offer(name: str, pool: Iterable[str]) -> str:
    """A name, with the nearest of the pool where one is near."""
    if not name.isprintable() or len(name) > LONGEST_NAME:
        return repr(_shown(name))
    by_lower = {other.lower(): other for other in pool}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.4)
    return f"{name} ({by_lower[near[0]]}?)" if near else name
