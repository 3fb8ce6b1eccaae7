"""What screen-pole has found as flat records, and the paper's figures beside them."""

from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np

from lunarscale.gazetteer import Feature
from lunarscale.gazetteer.naming import Named, name_places
from lunarscale.grid.raster import weight_to_km2
from lunarscale.quantities import QUANTITIES
from lunarscale.reduce.cap_screen import CAP, OVERLAP, PASSING, VALID
from lunarscale.steps.screening.finding import Finding
from lunarscale.steps.screening.question import CELL_KM2

Record = dict[str, Any]

#: What Qiu 2025 finds south of 65 S on the real Moon: cells, km2, and their share of what has
#: values, where it states them (doi 10.1038/s43247-025-02914-w). It does not define its overlap.
PAPER: dict[str, tuple[int, float | None, float | None]] = {
    VALID: (633_949, 1_426_385.0, None),
    OVERLAP: (51_421, None, 0.081),
    PASSING: (42_762, 96_214.0, 0.067),
}

#: What stands beside the paper's figures where ours are simulated.
_NOT_COMPARABLE = "SIMULATED: not comparable with the paper"

#: How the paper's figures are marked.
PAPERS = "Qiu 2025, the real Moon"


def amounts(finding: Finding) -> list[Record]:
    """The cap, what has values, what is like the maria and what passes; with the paper's."""
    records, simulated = [], finding.question.cube.layout.simulated
    for amount in finding.screen.amounts():
        cells, area, share = PAPER.get(amount.what, (None, None, None))
        if not finding.question.is_the_papers:
            cells, area, share = None, None, None
        records.append(
            {
                "what": amount.what,
                "cells": amount.cells,
                "cells_km2": amount.cells_km2,
                "cells_share": amount.cells_share,
                "area_km2": amount.area_km2,
                "area_share": amount.area_share,
                "paper_cells": cells,
                "paper_km2": area,
                "paper_share": share,
                "note": _NOT_COMPARABLE if simulated and cells is not None else "",
            }
        )
    return records


def patches(finding: Finding) -> list[Record]:
    """One record a patch, the largest first."""
    found, asked = finding.patches, finding.question
    lons, lats = found.centres()
    names = _names(tuple(lons.tolist()), tuple(lats.tolist()))
    means = {
        column(layer.name, layer.quantity): found.means(finding.sampled(layer.name)[found.chosen])
        for layer in asked.cube.layout.layers
    }
    holders = [named.holding for named in names]
    return [
        {
            "patch": at + 1,
            "cells": int(cells),
            "cells_km2": float(cells) * CELL_KM2,
            "area_km2": weight_to_km2(int(finding.patch_areas.met[at])),
            "lon": float(lons[at]),
            "lat": float(lats[at]),
            **{f"mean_{name}": _number(values[at]) for name, values in means.items()},
            "nearest": names[at].nearest.feature.name,
            "nearest_km": names[at].nearest.distance_km,
            "holding": None if holder is None else holder.name,
        }
        for at, (cells, holder) in enumerate(zip(found.sizes(), holders, strict=True))
    ]


def places(finding: Finding) -> list[Record]:
    """One record a named place: what of its circle has values, is like the maria and passes."""
    screen, asked = finding.screen, finding.question
    patch_of = np.zeros(asked.cells.count, dtype=np.int64)
    patch_of[finding.patches.chosen] = finding.patches.patch_of
    records = []
    for place, areas in zip(asked.places, finding.place_areas, strict=True):
        inside = finding.inside(place)
        passing = int((inside & screen.passes).sum())
        valid = weight_to_km2(int(areas.valid[0]))
        area = weight_to_km2(int(areas.met[0]))
        reaching = np.unique(patch_of[inside & screen.passes]).tolist()
        records.append(
            {
                **_of_feature(place),
                "cells": int(inside.sum()),
                "cells_with_values": int((inside & screen.has_value).sum()),
                "cells_like_the_maria": int((inside & screen.overlaps).sum()),
                "cells_passing": passing,
                "cells_km2": passing * CELL_KM2,
                "area_km2": area,
                "valid_area_km2": valid,
                "circle_km2": weight_to_km2(int(areas.whole[0])),
                "share": area / valid if valid else None,
                "patches": len(reaching),
                "largest_patch": reaching[0] if reaching else None,
            }
        )
    return records


def sensitivity(finding: Finding) -> list[Record]:
    """What passes by share and thresholds, by cells and by pixels."""
    screen, likeness = finding.screen, finding.screen.likeness
    asked = likeness.screen
    cells, pixels = likeness.sensitivity(screen.counts), likeness.sensitivity(screen.pixels)
    overlaps = likeness.overlaps(screen.counts), likeness.overlaps(screen.pixels)
    valid_cells, valid = int(screen.counts.sum()), int(screen.pixels.sum())
    axes = (asked.shares(), asked.feo_range(), asked.mg_range())
    return [
        {
            "density_share": share,
            "FeO_wt_pct_above": feo,
            "Mg_number_below": mg,
            "cells": int(cells[i, j, k]),
            "cells_km2": int(cells[i, j, k]) * CELL_KM2,
            "cells_share": int(cells[i, j, k]) / valid_cells,
            "area_km2": weight_to_km2(int(pixels[i, j, k])),
            "area_share": int(pixels[i, j, k]) / valid,
            "like_the_maria_cells": int(overlaps[0][i]),
            "like_the_maria_km2": weight_to_km2(int(overlaps[1][i])),
        }
        for (i, share), (j, feo), (k, mg) in product(*(enumerate(axis) for axis in axes))
    ]


def bins(finding: Finding) -> list[Record]:
    """The pairs of bins in which the maria or the cap have anything: what the plot shows."""
    screen, likeness = finding.screen, finding.screen.likeness
    feo, mg = likeness.screen.feo_edges(), likeness.screen.mg_edges()
    overlap, passing = likeness.overlap(), likeness.passing()
    filled = np.argwhere((likeness.maria > 0) | (screen.pixels > 0) | (screen.counts > 0))
    return [
        {
            "FeO_wt_pct_above": feo[i - 1] if i else None,
            "FeO_wt_pct_to": feo[i] if i < len(feo) else None,
            "Mg_number_from": mg[j - 1] if j else None,
            "Mg_number_below": mg[j] if j < len(mg) else None,
            "maria_km2": weight_to_km2(int(likeness.maria[i, j])),
            "maria_share_in_denser_bins": float(likeness.held[i, j]),
            "cap_km2": weight_to_km2(int(screen.pixels[i, j])),
            "cap_cells": int(screen.counts[i, j]),
            "like_the_maria": bool(overlap[i, j]),
            "passing": bool(passing[i, j]),
        }
        for i, j in filled.tolist()
    ]


def remarks(finding: Finding) -> list[str]:
    """What a reader must know before the figures are used."""
    asked, screen = finding.question, finding.screen
    by_what = {amount.what: amount for amount in screen.amounts()}
    own = 100 * screen.maria_passing_share()
    words = [f"{asked.outlines}; of their own area with values {own:.1f} % passes"]
    missing = 1.0 - by_what[VALID].area_km2 / by_what[CAP].area_km2
    if missing > 0.0005:
        words.append(
            f"{100 * missing:.1f} % of the cap in the maps has no value; shares are of what has one"
        )
    outside = 1.0 - by_what[CAP].area_km2 / float(asked.cells.areas_km2().sum())
    if outside > 0.01:
        words.append(f"the maps' grid leaves out {100 * outside:.0f} % of the cap")
    pixel = np.sqrt(asked.cube.grid.pixel_areas_m2()[asked.cube.grid.height // 2] / 1e6)
    if pixel > np.sqrt(CELL_KM2):
        words.append(
            f"a pixel is {pixel:.1f} km across, more than a cell's {np.sqrt(CELL_KM2):.1f} km: "
            "cells repeat pixels"
        )
    if not by_what[PASSING].cells:
        words.append("no cell passes")
    return words


@lru_cache(maxsize=2)
def _names(lons: tuple[float, ...], lats: tuple[float, ...]) -> list[Named]:
    return name_places(np.array(lons), np.array(lats))


def column(layer: str, quantity: str) -> str:
    """A layer's name as a column, with its units where it has any."""
    return f"{layer}_wt_pct" if QUANTITIES[quantity].units == "wt %" else layer


def _of_feature(place: Feature) -> Record:
    return {
        "place": place.name,
        "lon": place.lon,
        "lat": place.lat,
        "diameter_km": place.diameter_km,
    }


def _number(value: float) -> float | None:
    """For tables: no value is an empty cell, not NaN."""
    return float(value) if np.isfinite(value) else None
