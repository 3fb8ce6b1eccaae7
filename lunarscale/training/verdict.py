"""All figures of what ships for an oxide: what the report prints and the card carries."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lunarscale.errors import TrainingError
from lunarscale.stations import OXIDES
from lunarscale.training.families import held_out
from lunarscale.training.folds import SCHEMES
from lunarscale.training.judge import Difference, Score, difference, score
from lunarscale.training.menu import REFERENCE, ridges
from lunarscale.training.recipes import recipe_of, shipped
from lunarscale.training.samples import Floats, Samples
from lunarscale.training.selection import Candidates, select

#: The schemes under which everything is judged.
JUDGED = ("LOO", "LOMO")


@dataclass(frozen=True)
class Comparison:
    """Some models of an oxide on equal rows.

    Parameters
    ----------
    oxide, scheme : str
    scores : dict of str to Score
        By model.
    against : dict of str to Difference
        R2 of each model less the reference's: paired bootstrap over rows for LOO, over landing
        sites for LOMO.
    """

    oxide: str
    scheme: str
    scores: dict[str, Score]
    against: dict[str, Difference]


@dataclass(frozen=True)
class Verdict:
    """What ships for an oxide, and how good it is.

    Parameters
    ----------
    oxide, camera : str
    name : str
        Of the family that ships.
    why : str
        What carries it.
    scores, nested, reference : dict of str to Score
        By scheme: of what ships, of the rule that chose it followed inside every fold, and of
        the reference ridge.
    against_reference : dict of str to Difference
        By scheme, as in ``Comparison``.
    """

    oxide: str
    camera: str
    name: str
    why: str
    scores: dict[str, Score]
    nested: dict[str, Score]
    reference: dict[str, Score]
    against_reference: dict[str, Difference]

    @property
    def experimental(self) -> bool:
        """Whether there is no skill at landing sites held out, chosen before or after looking."""
        return min(self.scores["LOMO"].r2, self.nested["LOMO"].r2) < 0.0

    @property
    def reason(self) -> str:
        """Why it is experimental, one sentence; empty where it is not."""
        if not self.experimental:
            return ""
        own, nested = self.scores["LOMO"].r2, self.nested["LOMO"].r2
        if own < 0.0:
            return (
                f"at landing sites held out, {self.oxide} is predicted worse than by the mean of "
                f"the stations (R2 {own:.2f}): its maps show where soils differ, not by how much"
            )
        return (
            f"at landing sites held out R2 is {own:.2f}, but {nested:.2f} when the model is chosen "
            f"without them too: which model of {self.oxide} holds there cannot be told from the "
            "stations there are"
        )

    def figures(self) -> dict[str, float]:
        """The figures by name, ``R2 LOO``, for a card; ends are those of ``Score.interval``."""
        named = {}
        for scheme in JUDGED:
            own = self.scores[scheme]
            named[f"R2 {scheme}"] = own.r2
            named[f"R2 {scheme} low"] = own.interval(scheme).low
            named[f"R2 {scheme} high"] = own.interval(scheme).high
            named[f"RMSE {scheme}"] = own.rmse
            named[f"R2 {scheme} nested"] = self.nested[scheme].r2
            named[f"R2 {scheme} reference"] = self.reference[scheme].r2
        return {name: round(value, 4) for name, value in named.items()}


def verdict(samples: Samples, oxide: str) -> Verdict:
    """Judges what ships for an oxide; some ten seconds, of which nesting takes nearly all.

    Raises
    ------
    StationError
        If the oxide is known at too few stations or landing sites.
    TrainingError
        If nothing ships for the camera or the oxide.
    """
    recipe, family = recipe_of(samples.camera, oxide), shipped(samples, oxide)
    menu = ridges(samples.bands_nm, oxide)
    selection = select(Candidates.of(list(menu.values())), samples, oxide)
    compared = {}
    for scheme in JUDGED:
        folds = SCHEMES[scheme](samples, samples.rows(oxide))
        nested = np.full(len(samples), np.nan)
        nested[selection.rows] = selection.nested[scheme]
        predictions = {
            REFERENCE: held_out(menu[REFERENCE], samples, oxide, folds=folds),
            "shipped": held_out(family, samples, oxide, folds=folds),
            "nested": nested,
        }
        compared[scheme] = compare(samples, oxide, predictions, scheme=scheme)
    scores = {
        model: {scheme: compared[scheme].scores[model] for scheme in JUDGED}
        for model in ("shipped", "nested", REFERENCE)
    }
    return Verdict(
        oxide=oxide,
        camera=samples.camera,
        name=family.name,
        why=recipe.why,
        scores=scores["shipped"],
        nested=scores["nested"],
        reference=scores[REFERENCE],
        against_reference={scheme: compared[scheme].against["shipped"] for scheme in JUDGED},
    )


def compare(
    samples: Samples, oxide: str, predictions: Mapping[str, Floats], *, scheme: str
) -> Comparison:
    """Scores models, of whatever kind, on the rows that all of them predict.

    Parameters
    ----------
    samples : Samples
    oxide : str
    predictions : mapping of str to ndarray of float64, (samples,)
        By model, wt % of held-out rows, NaN where there is none. One is named ``reference``.
        Networks' predictions are as good as families'.
    scheme : str
        Under which they were held out, ``LOO`` or ``LOMO``.

    Raises
    ------
    TrainingError
        If there is no reference, or no row that all predict.
    """
    if REFERENCE not in predictions:
        raise TrainingError(
            f"models of {oxide} are compared with the {REFERENCE} ridge, but there are only "
            f"{', '.join(predictions) or 'none'}; predict with it too"
        )
    rows = samples.rows(oxide)
    rows = rows[np.all([np.isfinite(p[rows]) for p in predictions.values()], axis=0)]
    if not rows.size:
        raise TrainingError(
            f"no station is predicted by all of {', '.join(predictions)} for {oxide}; "
            "compare models that were held out at the same stations"
        )
    measured, sites = samples.target(oxide)[rows], [samples.sites[row] for row in rows]
    reference = predictions[REFERENCE][rows]
    return Comparison(
        oxide,
        scheme,
        {name: score(measured, p[rows], sites) for name, p in predictions.items()},
        {
            name: difference(
                measured, p[rows], reference, sites=sites if scheme == "LOMO" else None
            )
            for name, p in predictions.items()
            if name != REFERENCE
        },
    )


def averaged(predictions: Mapping[str, Floats], *names: str) -> Floats:
    """The plain mean of some models' predictions, as a further model to compare."""
    return np.asarray(np.mean([predictions[name] for name in names], axis=0))


def verdicts(samples: Samples) -> list[Verdict]:
    """The verdict on every oxide that the samples have, in the usual order."""
    return [verdict(samples, oxide) for oxide in OXIDES if oxide in samples.oxides]
