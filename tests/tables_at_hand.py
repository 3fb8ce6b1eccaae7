"""Users' tables of stations in CSV, made of the package's own."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from lunarscale.stations import Station, clementine_stations, kaguya_stations


def some_stations(count: int, camera: str = "clementine-uvvis") -> list[Station]:
    """So many stations from all over a camera's table, all six oxides known."""
    of_camera = clementine_stations() if camera == "clementine-uvvis" else kaguya_stations()
    whole = [station for station in of_camera if len(station.oxides_wt_pct) == 6]
    return whole[:: len(whole) // count][:count]


def write_table(
    path: Path,
    stations: Sequence[Station],
    *,
    oxides: Sequence[str] = ("FeO", "TiO2"),
    factor: float = 1.0,
    cells: Mapping[tuple[int, str], str] | None = None,
) -> Path:
    """A table with the columns that `--stations` takes; ``cells`` replaces some, by row."""
    bands = list(stations[0].reflectance)
    header = [
        "station",
        "name",
        "site",
        *(f"R{w}" for w in bands),
        *(f"{o}_wt_pct" for o in oxides),
    ]
    lines = [",".join(header)]
    for row, station in enumerate(stations):
        values = [
            str(station.number), station.name, station.site,
            *(repr(station.reflectance[w]) for w in bands),
            *(repr(station.oxides_wt_pct[o] * factor) for o in oxides),
        ]  # fmt: skip
        for (at, column), text in (cells or {}).items():
            if at == row:
                values[header.index(column)] = text
        lines.append(",".join(values))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
