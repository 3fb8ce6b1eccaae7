"""Who is held out together: one station, one mission, or all that share a spectrum or a soil."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from lunarscale.errors import StationError
from lunarscale.training.samples import Rows, Samples


@dataclass(frozen=True, eq=False)
class Fold:
    """One split of the stations.

    Parameters
    ----------
    name : str
        Who is held out, ``Apollo 17``.
    held_out, train : ndarray of int
        Rows of the samples; together all that the folds were made of, in order.
    """

    name: str
    held_out: Rows
    train: Rows


def partition(labels: Sequence[Hashable]) -> list[Rows]:
    """Positions of equal labels, in the order in which the labels first appear."""
    groups: dict[Hashable, list[int]] = {}
    for position, label in enumerate(labels):
        groups.setdefault(label, []).append(position)
    return [np.array(positions, dtype=np.intp) for positions in groups.values()]


def leave_one_out(samples: Samples, rows: Rows) -> tuple[Fold, ...]:
    """Each of the rows held out once, alone.

    Raises
    ------
    StationError
        If that leaves nothing to train on.
    """
    return _folds(rows, [samples.names[row] for row in rows], range(rows.size))


def leave_one_mission_out(samples: Samples, rows: Rows) -> tuple[Fold, ...]:
    """Each landing site held out once, with all of its rows.

    Raises
    ------
    StationError
        If all rows are of one site.
    """
    sites = [samples.sites[row] for row in rows]
    return _folds(rows, sites, sites)


def leave_shared_out(samples: Samples, rows: Rows) -> tuple[Fold, ...]:
    """Each row held out once, together with those that share its spectrum or its soil.

    Two rows share a spectrum if all reflectances are equal, a soil if all oxides that both have
    (at least three) are; sharing is handed on, from row to row. Among the built-in stations none
    do, so that there this is leave-one-out.

    Raises
    ------
    StationError
        If that leaves nothing to train on.
    """
    return _folds(rows, [samples.names[row] for row in rows], _sharing(samples, rows))


#: The schemes by the names that reports and cards use.
SCHEMES: dict[str, Callable[[Samples, Rows], tuple[Fold, ...]]] = {
    "LOO": leave_one_out,
    "LOMO": leave_one_mission_out,
    "shared": leave_shared_out,
}


def _folds(rows: Rows, names: Sequence[str], labels: Sequence[Hashable]) -> tuple[Fold, ...]:
    groups = partition(labels)
    if len(groups) < 2:
        raise StationError(
            f"all of {rows.size} station(s) would be held out together ({names[0]}), which leaves "
            "none to train on; give stations of at least two landing sites"
        )
    return tuple(Fold(names[group[0]], rows[group], np.delete(rows, group)) for group in groups)


def _sharing(samples: Samples, rows: Rows) -> list[int]:
    """A label a row, equal where rows hang together."""
    spectra = samples.reflectance[rows]
    soils = np.column_stack([values[rows] for values in samples.oxides.values()])
    labels = list(range(rows.size))
    for one in range(rows.size):
        for other in range(one):
            both = ~np.isnan(soils[one]) & ~np.isnan(soils[other])
            one_soil = both.sum() >= 3 and np.array_equal(soils[one, both], soils[other, both])
            if one_soil or np.array_equal(spectra[one], spectra[other]):
                old, new = labels[one], labels[other]
                labels = [new if label == old else label for label in labels]
    return labels
