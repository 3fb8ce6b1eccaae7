"""A network's scores beside what it must be held against, on equal rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lunarscale.models.equations import QIU_2025_FEO, QIU_2025_TIO2
from lunarscale.training.bootstrap_origin import search_quickly
from lunarscale.training.calibration import BANDS, shapes
from lunarscale.training.cross_validation import LEAKED, LEAKY, NetworkRun
from lunarscale.training.families import Family, held_out
from lunarscale.training.folds import SCHEMES
from lunarscale.training.judge import Difference, Score, difference, score
from lunarscale.training.menu import REFERENCE, ridges
from lunarscale.training.origin import Points
from lunarscale.training.published import PUBLISHED_R2
from lunarscale.training.samples import Floats, Samples

#: What predictions are called that saw the stations they are scored at, and those of a published
#: equation at a user's stations, of which nobody knows.
SEEN, PUBLISHED = "fitted to them", "as published"

#: The name of an equation whose origin and coefficients are searched again in every fold.
REFITTED = "equation, refitted"

#: The name of the family that networks are held against.
RIDGE = f"{REFERENCE} ridge"


@dataclass(frozen=True)
class Line:
    """One model of one oxide under one protocol.

    Parameters
    ----------
    oxide, model : str
    scheme : str
        ``LOO``, ``LOMO``, ``leaky LOO``, ``fitted to them``, or ``as published``.
    score : Score or None
        None where only the published R2 is known.
    r2 : float
    against_ridge : Difference or None
        R2 less the reference ridge's under the same scheme, by paired bootstrap over rows, or over
        landing sites where those were held out.
    """

    oxide: str
    model: str
    scheme: str
    score: Score | None
    r2: float
    against_ridge: Difference | None = None


def scoreboard(run: NetworkRun, samples: Samples, *, own: bool = True) -> list[Line]:
    """The network, its leaky self, the reference ridge, the equations, and the paper.

    Equal rows: each line is scored at the stations that it and its rival predict; an equation has
    no value outside its domain, and then fewer stations.

    Parameters
    ----------
    run : NetworkRun
    samples : Samples
        That it was trained on.
    own : bool
        Whether they are the package's stations, which the equations were fitted to.
    """
    ridge = ridges(run.final.bands_nm)[REFERENCE]
    lines = [
        line for oxide in run.final.oxides for line in _of_oxide(run, samples, oxide, ridge=ridge)
    ]
    if own:
        return lines
    return [replace(ln, scheme=PUBLISHED) if ln.scheme == SEEN else ln for ln in lines]


def _of_oxide(run: NetworkRun, samples: Samples, oxide: str, *, ridge: Family) -> Iterator[Line]:
    name = run.final.kind.name
    rows = samples.rows(oxide)
    schemes = [scheme for scheme, of in run.held_out if of == oxide]
    for scheme in schemes:
        network = run.mean(scheme, oxide)
        clean = LEAKED if scheme == LEAKY else scheme
        rival = held_out(ridge, samples, oxide, folds=SCHEMES[clean](samples, rows))
        yield _line(samples, oxide, name, scheme=scheme, predicted=network, rival=rival)
        if scheme != LEAKY:
            yield _line(samples, oxide, RIDGE, scheme=scheme, predicted=rival)
    if oxide in BANDS.get(samples.camera, {}):
        for scheme in (s for s in schemes if s != LEAKY):
            predicted = _refitted(samples, oxide, scheme=scheme)
            yield _line(samples, oxide, REFITTED, scheme=scheme, predicted=predicted)
    for equation in (QIU_2025_FEO, QIU_2025_TIO2):
        if (equation.camera, equation.quantity.name) == (samples.camera, oxide):
            bands = dict(zip(samples.bands_nm, samples.reflectance.T, strict=True))
            exact = equation.exact(bands)
            yield _line(samples, oxide, equation.name, scheme=SEEN, predicted=exact)
    published = PUBLISHED_R2.get(name, {}).get(oxide)
    if published is not None:
        yield Line(oxide, f"{name}, as published", LEAKED, None, published)


def _refitted(samples: Samples, oxide: str, *, scheme: str) -> Floats:
    """The oxide by its equation, whose origin is searched again without each fold."""
    base, other = (samples.bands_nm.index(band) for band in BANDS[samples.camera][oxide])
    shape = next(shape for shape in shapes() if shape.quantity == oxide)
    r = samples.reflectance[:, base]
    points = Points(r, samples.reflectance[:, other] / r, samples.target(oxide))
    predicted = np.full(len(samples), np.nan)
    for fold in SCHEMES[scheme](samples, samples.rows(oxide)):
        law = search_quickly(points.rows(fold.train), shape).law
        held = fold.held_out
        predicted[held] = law.exact(points.base[held], points.ratio[held])
    return predicted


def _line(
    samples: Samples, oxide: str, model: str, *, scheme: str, predicted: Floats,
    rival: Floats | None = None,
) -> Line:  # fmt: skip
    rows = _rows_of_both(samples, oxide, [predicted] if rival is None else [predicted, rival])
    measured, sites = samples.target(oxide)[rows], [samples.sites[row] for row in rows]
    made = score(measured, predicted[rows], sites)
    against = None
    if rival is not None:
        drawn = sites if scheme == "LOMO" else None
        against = difference(measured, predicted[rows], rival[rows], sites=drawn)
    return Line(oxide, model, scheme, made, made.r2, against)


def _rows_of_both(samples: Samples, oxide: str, predictions: Sequence[Floats]) -> list[int]:
    """The rows that have the oxide and a prediction of every model: equal rows."""
    return [
        int(row) for row in samples.rows(oxide) if np.isfinite([p[row] for p in predictions]).all()
    ]
