"""A network under every protocol: what it predicts of stations that it did not see."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lunarscale.training.batched import Trained, train
from lunarscale.training.folds import SCHEMES
from lunarscale.training.networks import NetworkKind
from lunarscale.training.samples import Floats, Samples

Progress = Callable[[int, int], None]

#: The scheme whose folds the leaky protocol leaks into, and the name that it then has.
LEAKED, LEAKY = "LOO", "leaky LOO"


@dataclass(frozen=True, eq=False)
class NetworkRun:
    """A network trained on all stations, and what its likes predict of stations held out.

    Parameters
    ----------
    final : Trained
        Of all rows: fold 0 holds out nothing; its parameters are kept.
    held_out : dict of (scheme, oxide) to ndarray of float64, (seed, sample)
        wt %, by models that did not see the row; NaN where a row lacks the oxide or the model
        diverged. Schemes are those of ``folds.SCHEMES``, and ``leaky LOO``.
    diverged : tuple of str
        The models that did, in words.
    """

    final: Trained
    held_out: dict[tuple[str, str], Floats]
    diverged: tuple[str, ...]

    def mean(self, scheme: str, oxide: str) -> Floats:
        """The ensemble's prediction, (sample,): the mean over the seeds that did not diverge."""
        by_seed = self.held_out[scheme, oxide]
        has = np.isfinite(by_seed)
        count = has.sum(axis=0)
        total = np.where(has, by_seed, 0.0).sum(axis=0)
        mean = np.full(total.shape, np.nan)
        np.divide(total, count, out=mean, where=count > 0)
        return mean


def cross_validate(
    kind: NetworkKind,
    samples: Samples,
    oxides: Sequence[str],
    *,
    seeds: Sequence[int],
    schemes: Sequence[str] = ("LOO", "LOMO"),
    leaky: bool = True,
    epochs: int | None = None,
    progress: Progress = lambda done, todo: None,
) -> NetworkRun:
    """Train on all stations, and once for every fold of every scheme.

    Parameters
    ----------
    kind : NetworkKind
    samples : Samples
    oxides : sequence of str
    seeds : sequence of int
    schemes : sequence of str
        Names in ``folds.SCHEMES``.
    leaky : bool
        Whether to repeat leave-one-out as the open code does it, for comparison.
    epochs : int, optional
        At most, instead of the recipe's.
    progress : callable, optional
        Told the models trained and all of them.

    Raises
    ------
    TrainingError
        If the network is not for the camera, or there is too little to learn from.
    StationError
        If a scheme leaves nothing to train on.
    """
    every = np.arange(len(samples))
    folds = [(scheme, fold) for scheme in schemes for fold in SCHEMES[scheme](samples, every)]
    leaks = [(LEAKY, fold) for fold in SCHEMES[LEAKED](samples, every)] if leaky else []
    models = len(oxides) * len(seeds)
    todo = (len(folds) + len(leaks) + 1) * models
    held_out = {
        (scheme, oxide): np.full((len(seeds), len(samples)), np.nan)
        for scheme in (*schemes, *([LEAKY] if leaky else []))
        for oxide in oxides
    }
    diverged: list[str] = []
    done = 0
    for named, leaking in ((folds, False), (leaks, True)):
        if not named:
            continue
        trained = train(
            kind, samples, oxides, folds=[(fold.train, fold.held_out) for _, fold in named],
            seeds=seeds, leaky=leaking, epochs=epochs, keep=False,
            progress=_after(done, todo, progress),
        )  # fmt: skip
        done += len(named) * models
        for index, (scheme, fold) in enumerate(named):
            for place, oxide in enumerate(oxides):
                known = fold.held_out[np.isfinite(samples.target(oxide)[fold.held_out])]
                held_out[scheme, oxide][:, known] = trained.predictions[index, place][:, known]
            diverged += _diverged(trained, index, f"{scheme} without {fold.name}")
    final = train(
        kind, samples, oxides, folds=[(every, every[:0])], seeds=seeds, epochs=epochs,
        progress=_after(done, todo, progress),
    )  # fmt: skip
    return NetworkRun(final, held_out, (*diverged, *_diverged(final, 0, "on all stations")))


def _after(done: int, todo: int, progress: Progress) -> Progress:
    """What tells one training's progress as part of the whole."""
    return lambda now, _: progress(done + now, todo)


def _diverged(trained: Trained, fold: int, told: str) -> list[str]:
    return [
        f"{oxide}, {told}, seed {seed}"
        for place, oxide in enumerate(trained.oxides)
        for index, seed in enumerate(trained.seeds)
        if trained.diverged[fold, place, index]
    ]
