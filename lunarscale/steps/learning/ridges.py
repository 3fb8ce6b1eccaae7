"""Train what ships: for each oxide the family that carries furthest, with intervals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import lunarscale
from lunarscale.bands import camera_name
from lunarscale.steps.saving import save
from lunarscale.steps.train import lacking, oxides_of, stations_facts, stations_for
from lunarscale.training.domain import Domain
from lunarscale.training.families import held_out
from lunarscale.training.folds import SCHEMES
from lunarscale.training.intervals import DEFAULT_METHOD, LEVEL, Coverage, nested_coverage
from lunarscale.training.recipes import shipped
from lunarscale.training.samples import Floats, Samples, samples_of
from lunarscale.training.shipping import ship, ship_intervals
from lunarscale.training.verdict import JUDGED, Verdict, verdict

#: The name by which `train` knows them.
RIDGES = "ridges"


@dataclass(frozen=True, eq=False)
class Ridges:
    """What ships for one camera's oxides, judged.

    Parameters
    ----------
    samples : Samples
    verdicts : dict of str to Verdict
        By oxide.
    predicted : dict of (scheme, oxide) to ndarray of float64, (sample,)
        By models that did not see the row.
    coverage : dict of (scheme, oxide) to Coverage
        Of intervals, nested: the scheme says who was outside.
    warnings : tuple of str
        What is doubtful about the stations.
    facts : dict
        What a card says of where the stations come from.
    level : float
        Share of stations that intervals are to cover.
    method : str
        Of intervals.
    """

    samples: Samples
    verdicts: dict[str, Verdict]
    predicted: dict[tuple[str, str], Floats]
    coverage: dict[tuple[str, str], Coverage]
    warnings: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    level: float = LEVEL
    method: str = DEFAULT_METHOD

    @property
    def short(self) -> str:
        """The camera's short name, ``clementine``."""
        return self.samples.camera.split("-")[0]


def train_ridges(
    camera: str | None = None,
    *,
    oxides: Sequence[str] = (),
    stations: str | None = None,
    fractions: bool | None = None,
    cross_calibrated: bool = True,
    without: Sequence[int] = (),
    level: float = LEVEL,
    method: str = DEFAULT_METHOD,
    progress: Callable[[int, int], None] = lambda done, todo: None,
) -> Ridges:
    """Fit and judge the family that ships for each oxide (``lunarscale.training.recipes``).

    Parameters
    ----------
    camera : str, optional
        ``clementine`` or ``kaguya-mi``; Clementine if none.
    oxides : sequence of str
        All that the stations have if none are named.
    stations : str, optional
        A user's table of stations.
    fractions : bool, optional
        Whether its oxides are weight fractions; asked about where it looks so.
    cross_calibrated : bool
        Whether to learn from the estimated spectra of Chang'e-5 and Chang'e-6 too.
    without : sequence of int
        Numbers of stations to leave out of everything.
    level : float
        Share of stations that intervals are to cover.
    method : str
        Of intervals: a name of ``lunarscale.training.intervals.METHODS``.
    progress : callable, optional
        Told oxides judged and all of them.

    Raises
    ------
    StationError, TrainingError
        If the stations are too few, or an oxide is none of theirs.
    """
    chosen = camera_name(camera or "clementine")
    found, warnings = stations_for(
        chosen, stations, fractions=fractions, cross_calibrated=cross_calibrated, without=without
    )
    samples = samples_of(found, chosen)
    Domain.of(samples, np.arange(len(samples)))  # refuses too few before minutes of judging
    wanted = oxides_of(oxides, tuple(samples.oxides))
    facts = stations_facts(chosen, stations, without)
    warnings += lacking(samples, wanted) if stations is None else ()
    made = Ridges(samples, {}, {}, {}, warnings, facts, level, method)
    for done, oxide in enumerate(wanted, start=1):
        family = shipped(samples, oxide)
        made.verdicts[oxide] = verdict(samples, oxide)
        for scheme in JUDGED:
            folds = SCHEMES[scheme](samples, samples.rows(oxide))
            made.predicted[scheme, oxide] = held_out(family, samples, oxide, folds=folds)
            made.coverage[scheme, oxide] = nested_coverage(
                family, samples, oxide, folds=folds, level=level, method=method
            )
        progress(done, len(wanted))
    return made


def write_ridges(made: Ridges, folder: Path) -> list[Path]:
    """Write ``clementine-oxides.onnx`` and ``clementine-intervals.onnx``, after the camera."""
    common: dict[str, Any] = {"version": lunarscale.__version__, "facts": made.facts}
    judged, samples = list(made.verdicts.values()), made.samples
    how: dict[str, Any] = {"level": made.level, "method": made.method}
    oxides, intervals = f"{made.short}-oxides", f"{made.short}-intervals"
    return [
        save(folder / f"{oxides}.onnx", ship(samples, judged, name=oxides, **common)),
        save(
            folder / f"{intervals}.onnx",
            ship_intervals(samples, judged, name=intervals, **how, **common),
        ),
    ]
