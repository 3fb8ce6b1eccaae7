"""Prediction intervals: their definition in loops, their coverage, their graph."""

import numpy as np
import pytest
from samples_at_hand import clementine_49, made_samples, mixed_spectra, run_graph

from lunarscale.errors import StationError
from lunarscale.models.card import Card
from lunarscale.models.signature import Output
from lunarscale.stations import OXIDES
from lunarscale.training.folds import Fold, leave_one_mission_out, leave_one_out
from lunarscale.training.graph import GraphBuilder
from lunarscale.training.interval_graph import write_intervals
from lunarscale.training.intervals import (
    METHODS,
    Intervals,
    intervals_of,
    nested_coverage,
    rank_of,
    wilson,
)
from lunarscale.training.ranking import smallest
from lunarscale.training.recipes import shipped
from lunarscale.training.ridge import Ridge
from lunarscale.training.samples import Samples

LINE = Ridge("line", ("log R750", "log R950/R750"), alphas=(0.1,))


@pytest.mark.parametrize("method", METHODS)
def test_ends_are_those_of_the_definition(method: str) -> None:
    samples = made_samples(6, 5, seed=1)
    rows = np.arange(30)
    spectra = mixed_spectra(samples, 7)
    low: list[np.ndarray] = []
    high: list[np.ndarray] = []
    for fold in METHODS[method](samples, rows):
        model = LINE.fit(samples, "FeO", fold.train)
        for row in fold.held_out:
            missed = abs(samples.target("FeO")[row] - model.predict(samples.reflectance[[row]])[0])
            low.append(model.predict(spectra) - missed)
            high.append(model.predict(spectra) + missed)
    lower, upper = intervals_of(LINE, samples, "FeO", level=0.8, method=method).ends(spectra)
    rank = 6  # floor(0.2 x 31)
    np.testing.assert_allclose(lower, np.sort(low, axis=0)[rank - 1], rtol=1e-13)
    np.testing.assert_allclose(upper, np.sort(high, axis=0)[30 - rank], rtol=1e-13)


def test_ranks_do_not_stumble_over_binary_fractions() -> None:
    assert [rank_of(0.9, n) for n in (9, 19, 29, 48, 49, 59, 99)] == [1, 2, 3, 4, 5, 6, 10]


def test_a_level_that_the_stations_cannot_give_is_refused() -> None:
    samples = made_samples(4, 2, seed=2)
    with pytest.raises(StationError, match="90% need at least 9 stations but there are 8"):
        intervals_of(LINE, samples, "FeO")
    with pytest.raises(StationError, match="90 is no share"):
        rank_of(90, 49)


def test_a_higher_level_is_wider() -> None:
    samples = clementine_49()
    spectra = mixed_spectra(samples, 40)
    family = shipped(samples, "FeO")
    ends = [intervals_of(family, samples, "FeO", level=level).ends(spectra) for level in (0.7, 0.9)]
    assert (ends[1][0] <= ends[0][0]).all()
    assert (ends[1][1] >= ends[0][1]).all()
    assert (ends[0][0] < ends[0][1]).all()


def fifths(samples: Samples) -> list[Fold]:
    """Five folds of whole sites."""
    sites = list(dict.fromkeys(samples.sites))
    fifth = np.array([sites.index(site) % 5 for site in samples.sites])
    return [Fold(str(k), np.flatnonzero(fifth == k), np.flatnonzero(fifth != k)) for k in range(5)]


def test_coverage_of_1000_simulated_stations_is_nominal() -> None:
    """Simulated: a line, an effect of the site as large as the noise, at 100 sites."""
    samples = made_samples(100, 10, seed=0)
    found = nested_coverage(LINE, samples, "FeO", folds=fifths(samples))
    assert found.n == 1000
    assert found.share == pytest.approx(0.9, abs=0.02)
    assert found.low < 0.9 < found.high
    assert 2 * 1.64 * np.sqrt(2) == pytest.approx(found.width, rel=0.1)  # of two normal effects


def test_holding_out_rows_forgets_what_sites_share() -> None:
    """With large effects of the site, jackknife+ promises too much for a new site."""
    samples = made_samples(12, 12, seed=3, site_sd=2.0, station_sd=0.5)
    rich = Ridge("rich", tuple(f"log R{w}" for w in samples.bands_nm), alphas=(1e-3,))
    folds = leave_one_mission_out(samples, samples.rows("FeO"))
    by_site = nested_coverage(rich, samples, "FeO", folds=folds)
    by_row = nested_coverage(rich, samples, "FeO", folds=folds, method="jackknife+")
    assert by_site.width > by_row.width
    assert by_site.share > by_row.share


@pytest.mark.parametrize("oxide", OXIDES)
def test_coverage_at_the_stations_is_not_less_than_promised(oxide: str) -> None:
    """Stations held out alone, and with their site: the promise lies within the binomial error."""
    samples = clementine_49()
    rows = samples.rows(oxide)
    for folds in (leave_one_out(samples, rows), leave_one_mission_out(samples, rows)):
        found = nested_coverage(shipped(samples, oxide), samples, oxide, folds=folds)
        assert found.high > 0.9
        assert found.low < found.share < found.high


def test_wilsons_interval_is_the_published_one() -> None:
    """Newcombe 1998, Statistics in Medicine 17, 857, table I: 81 of 263."""
    np.testing.assert_allclose(wilson(81, 263), (0.2553, 0.3662), atol=5e-5)


@pytest.mark.parametrize("oxide", ["FeO", "TiO2", "MgO"])
def test_the_graph_gives_the_same_ends(oxide: str) -> None:
    samples = clementine_49()
    made = intervals_of(shipped(samples, oxide), samples, oxide)
    spectra = mixed_spectra(samples, 1500)
    found = run_graph(written(made, samples), spectra)
    for name, expected in zip(("FeO_lower", "FeO_upper"), made.ends(spectra), strict=True):
        scale = np.maximum(np.abs(expected), 10.0)
        assert np.max(np.abs(found[name] - expected) / scale) < 1e-4


def written(made: Intervals, samples: Samples) -> bytes:
    builder = GraphBuilder(samples.camera, samples.bands_nm)
    names = ("FeO_lower", "FeO_upper")
    for name, rows in zip(names, *write_intervals(builder, [made]), strict=True):
        builder.output(name, rows)
    outputs = tuple(Output(name, name, "wt %") for name in names)
    return builder.build(Card("made-up", samples.camera, samples.bands_nm, outputs))


@pytest.mark.parametrize("rank", [1, 3, 5])
def test_ranking_in_a_graph_is_that_of_numpy(rank: int) -> None:
    samples = clementine_49()
    builder = GraphBuilder(samples.camera, samples.bands_nm)
    bands = builder.features([f"R{w}" for w in samples.bands_nm])
    builder.output("FeO", smallest(builder, [[band] for band in builder.split(bands)], rank))
    card = Card("made-up", samples.camera, samples.bands_nm, (Output("FeO", "FeO", "wt %"),))
    spectra = mixed_spectra(samples, 100)
    found = run_graph(builder.build(card), spectra)["FeO"]
    np.testing.assert_array_equal(found, np.sort(spectra, axis=1)[:, rank - 1].astype(np.float32))


def test_there_must_be_as_many_channels_as_the_rank() -> None:
    builder = GraphBuilder("clementine-uvvis", (415, 750))
    both = builder.split(builder.features(["R415", "R750"]))
    with pytest.raises(ValueError, match="3-th smallest"):
        smallest(builder, [both], 3)


def test_a_map_lies_within_its_interval() -> None:
    samples, oxide = clementine_49(), "Al2O3"
    rows = samples.rows(oxide)
    lower, upper = intervals_of(shipped(samples, oxide), samples, oxide).ends(
        samples.reflectance[rows]
    )
    middle = shipped(samples, oxide).fit(samples, oxide, rows).predict(samples.reflectance[rows])
    assert ((lower < middle) & (middle < upper)).all()
