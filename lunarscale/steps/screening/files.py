"""The tables that screen-pole writes."""

import io
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from lunarscale.reduce import screening
from lunarscale.steps.saving import records_csv, save
from lunarscale.steps.screening import records as records
from lunarscale.steps.screening.finding import Finding
from lunarscale.steps.screening.question import CELL_KM2
from lunarscale.steps.screening.records import Record

#: How GeoJSON names longitude and latitude on the Moon.
_CRS = {"type": "name", "properties": {"name": "urn:ogc:def:crs:IAU:2015:30100"}}

#: What a table of patches has before there is any: CSV needs its columns.
_PATCH_COLUMNS = ("patch", "cells", "cells_km2", "area_km2", "lon", "lat")


def write(finding: Finding, folder: Path) -> list[Path]:
    """Write every table into a folder.

    Returns
    -------
    list of Path
        ``screening.json``, ``screening.csv``, ``sensitivity.csv``, ``joint.csv``, ``places.csv``
        where there are places, ``patches.csv``, ``patches.geojson`` and ``candidates.parquet``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    patches, places = records.patches(finding), records.places(finding)
    tables = {
        "screening.csv": records.amounts(finding),
        "sensitivity.csv": records.sensitivity(finding),
        "joint.csv": records.bins(finding),
        "places.csv": places,
        "patches.csv": patches,
    }
    texts = {"screening.json": _facts(finding, patches, places)}
    for name, rows in tables.items():
        if rows or name == "patches.csv":
            texts[name] = _csv(rows, _PATCH_COLUMNS)
    texts["patches.geojson"] = _geojson(finding, patches)
    written = [save(folder / name, text) for name, text in texts.items()]
    return [*written, save(folder / "candidates.parquet", _candidates(finding))]


def _csv(rows: list[Record], columns: tuple[str, ...]) -> str:
    return records_csv(rows, list(rows[0]) if rows else columns)


def _facts(finding: Finding, patches: list[Record], places: list[Record]) -> str:
    """Every parameter and the answer, as JSON."""
    asked, screen = finding.question, finding.screen
    axes = asked.axes
    facts = {
        "maps": asked.cube.location.url,
        "simulated": asked.cube.layout.simulated,
        "model": asked.layers[0].model,
        "layers": [layer.name for layer in asked.layers],
        "pole": asked.cap.pole,
        "latitude_deg": asked.cap.latitude_deg,
        "outlines": asked.outlines,
        "criterion": asdict(asked.screen) | {"words": asked.screen.words},
        "method": {
            "cell_km2": CELL_KM2,
            "bins": {axis.layer: axis.bins for axis in axes},
            "bin_widths": {"FeO_wt_pct": screening.FEO_STEP, "Mg_number": screening.MG_STEP},
            "bandwidths": {
                "FeO_wt_pct": screening.FEO_BANDWIDTH,
                "Mg_number": screening.MG_BANDWIDTH,
            },
            "words": method(finding),
        },
        "remarks": records.remarks(finding),
        "amounts": records.amounts(finding),
        "paper": records.PAPERS if asked.is_the_papers else None,
        "share_of_the_maria_that_passes": screen.maria_passing_share(),
        "passing_within_mapped_maria_km2": screen.passing_in_maria(),
        "extrapolated_share_of_passing": screen.extrapolated_share(),
        "patches": len(patches),
        "largest_patches": patches[:20],
        "places": places,
    }
    return json.dumps(facts, indent=1, ensure_ascii=False) + "\n"


def method(finding: Finding) -> list[str]:
    """How it was done, one sentence a step."""
    asked = finding.question.screen
    return [
        "The maria's area is summed exactly by FeO and Mg# over all pixels with both, in bins of "
        f"{screening.FEO_STEP:g} wt % and {screening.MG_STEP:g} that end at the thresholds.",
        f"The density is smoothed with a Gaussian of {screening.FEO_BANDWIDTH:g} wt % and "
        f"{screening.MG_BANDWIDTH:g}; bins are taken from the densest on until they hold "
        f"{100 * asked.density_share:g} % of the maria's area.",
        "A cell or pixel is like the maria where its FeO and Mg# fall into one of these bins; it "
        f"passes where besides {asked.words}.",
        f"Cells are those of Qiu 2025 (eq 8), {CELL_KM2:g} km² each, with the value of the pixel "
        "that holds their centre; pixels count with their exact area.",
        "Cells that pass make one patch where they share an edge; a patch's exact area is that of "
        "the pixels that pass with their centres in its cells.",
    ]


def _geojson(finding: Finding, patches: list[Record]) -> str:
    """The patches' outlines with their records."""
    features = [
        {
            "type": "Feature",
            "properties": {"name": f"patch {record['patch']}"} | record,
            "geometry": shapely.geometry.mapping(finding.patches.outline(record["patch"])),
        }
        for record in patches
    ]
    document = {"type": "FeatureCollection", "crs": _CRS, "features": features}
    return json.dumps(document, ensure_ascii=False) + "\n"


def _candidates(finding: Finding) -> bytes:
    """One row a cell that passes: its number among all, centre, patch and every map."""
    chosen, asked = finding.patches.chosen, finding.question
    lons, lats = asked.cells.centres(chosen)
    columns: dict[str, np.ndarray[tuple[int], np.dtype[np.generic]]] = {
        "cell": chosen + asked.first_cell,
        "lon": lons,
        "lat": lats,
        "patch": finding.patches.patch_of,
    }
    for layer in asked.cube.layout.layers:
        name = records.column(layer.name, layer.quantity)
        columns[name] = finding.sampled(layer.name)[chosen].astype(np.float32)
    made = io.BytesIO()
    notes = {"cell_km2": f"{CELL_KM2:g}", "simulated": str(asked.cube.layout.simulated)}
    pq.write_table(pa.table(columns).replace_schema_metadata(notes), made)
    return made.getvalue()
