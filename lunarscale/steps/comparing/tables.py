"""The tables of a comparison, and its JSON."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lunarscale.engine.map_on_grid import StoredMap
from lunarscale.grid.raster import weight_to_km2
from lunarscale.reduce import changes as layers
from lunarscale.reduce.changes import most_changed
from lunarscale.steps.comparing.finding import Finding
from lunarscale.steps.comparing.question import BIN_QUANTA
from lunarscale.steps.saving import save


def write_tables(finding: Finding, folder: str) -> list[Path]:
    """Write the tables and ``comparison.json`` into a folder."""
    place, key = Path(folder), finding.question.key
    frames = {
        f"{key}_regions.csv": pd.DataFrame([asdict(row) for row in finding.rows]),
        f"{key}_statistics.csv": pd.DataFrame([asdict(row) for row in finding.table]),
        f"{key}_changed.csv": _ranking(finding),
        f"{key}_histogram.csv": _histogram(finding),
    }
    paths = [save(place / name, frame.to_csv(index=False)) for name, frame in frames.items()]
    paths.append(save(place / f"{key}_density.parquet", _density(finding).to_parquet()))
    paths.append(save(place / f"{key}_comparison.json", _json(finding)))
    return paths


def _ranking(finding: Finding) -> pd.DataFrame:
    """The regions that changed most, by either measure, with their rank."""
    ranked: list[dict[str, Any]] = []
    for measure in ("mean_difference", "moved_area"):
        found = most_changed(finding.rows, measure)
        ranked += [
            {
                "by": measure,
                "rank": rank,
                "grouping": row.grouping,
                "group": row.group,
                "mean_difference": row.mean_difference,
                "moved_area_km2": row.moved_area_km2,
                "moved_share": row.moved_share,
                "area_km2": row.area_km2,
            }
            for rank, row in enumerate(found, start=1)
        ]
    names = ("by", "rank", "grouping", "group", "mean_difference", "moved_area_km2")
    return pd.DataFrame(ranked, columns=[*names, "moved_share", "area_km2"])


def _histogram(finding: Finding) -> pd.DataFrame:
    """Areas of the differences in fine bins, one row a region and bin that holds some."""
    quantum, rows = finding.question.quantity.quantum, []
    for position, label in enumerate(finding.statistics.groupings):
        for number, group in enumerate(label.groups, start=1):
            counts = finding.statistics.group(position, number).layers[layers.DIFFERENCE].counts
            if not counts.weight:
                continue
            first, areas = counts.binned(BIN_QUANTA)
            rows += [
                {
                    "grouping": label.name,
                    "group": group,
                    "difference_from": round((first + k) * BIN_QUANTA * quantum, 9),
                    "difference_below": round((first + k + 1) * BIN_QUANTA * quantum, 9),
                    "area_km2": weight_to_km2(int(area)),
                }
                for k, area in enumerate(areas)
                if area
            ]
    names = ("grouping", "group", "difference_from", "difference_below", "area_km2")
    return pd.DataFrame(rows, columns=list(names))


def _density(finding: Finding) -> pd.DataFrame:
    """Areas of pairs of bins that hold some; open bins end in an empty cell."""
    quantum = finding.question.quantity.quantum
    areas = finding.density.areas[1:].sum(axis=(0, 1))
    b, a = np.nonzero(areas)
    frame: dict[str, Any] = {"area_km2": [weight_to_km2(int(area)) for area in areas[b, a]]}
    for name, axis, place in (("A", 1, a), ("B", 0, b)):
        edges = np.array([np.nan, *finding.density.axes[axis].edges, np.nan]) * quantum
        frame |= {f"{name}_from": edges[place], f"{name}_below": edges[place + 1]}
    return pd.DataFrame(frame)


def _json(finding: Finding) -> str:
    asked, quantum = finding.question, finding.question.quantity.quantum
    source = asked.source
    facts = {
        "A": _facts_of(source.first),
        "B": _facts_of(source.second),
        "difference": "A - B",
        "quantity": asked.quantity.name,
        "units": asked.quantity.units,
        "quantum": quantum,
        "simulated": source.layout.simulated,
        "kinds": source.kinds.strip(),
        "grids": source.how,
        "ground": _ground(finding),
        "weighing": "true area of every pixel where both maps have a value, exact",
        "whole": asdict(finding.whole),
        "moved": {
            "at_least": finding.moved_by * quantum,
            "rule": "asked for" if asked.moved_by is not None else
            "larger than the longer whisker of the whole area's box plot, or, where nothing is, "
            "the larger end of its middle 95 %",
        },
        "density": {
            "bin": _bin(finding) * quantum,
            "above": asked.density_above,
            **finding.left_out(),
        },
        "most_changed": {
            measure: [f"{row.grouping}: {row.group}" for row in found[:10]]
            for measure, found in (
                ("mean_difference", most_changed(finding.rows, "mean_difference")),
                ("moved_area", most_changed(finding.rows, "moved_area")),
            )
        },
        "regions": [asdict(row) for row in finding.rows],
    }  # fmt: skip
    return json.dumps(facts, indent=1, ensure_ascii=False) + "\n"


def _ground(finding: Finding) -> dict[str, Any]:
    """What each map has values on, where both cover the Moon, and how much of it is common."""
    whole = finding.whole
    return {
        "covered_by_both_km2": whole.group_area_km2,
        "A": {"valid_km2": whole.valid_a_km2, "common_share": whole.common_share_a},
        "B": {"valid_km2": whole.valid_b_km2, "common_share": whole.common_share_b},
        "both_km2": whole.area_km2,
    }


def _facts_of(side: StoredMap) -> dict[str, Any]:
    """What is remembered of a map."""
    described = side.described
    return {
        "map": side.name,
        "model": described.model,
        "formula": described.formula,
        "source": described.source,
        "remark": described.remark,
        "simulated": side.cube.layout.simulated,
    }


def _bin(finding: Finding) -> int:
    """Width of a density's bin in counts."""
    edges = finding.density.axes[0].edges
    return edges[1] - edges[0]
