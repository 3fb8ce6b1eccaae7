"""How far spectra lie from the stations."""

import numpy as np
import pytest
from samples_at_hand import clementine_49, kaguya_60, made_samples, mixed_spectra, run_graph

from lunarscale.errors import StationError
from lunarscale.models.card import Card
from lunarscale.models.signature import Output
from lunarscale.training.domain import Domain, outside
from lunarscale.training.folds import SCHEMES
from lunarscale.training.graph import GraphBuilder
from lunarscale.training.samples import Samples

BOTH = pytest.mark.parametrize(
    "samples", [clementine_49(), kaguya_60()], ids=["clementine", "kaguya"]
)


@BOTH
def test_the_distance_is_mahalanobis_of_a_shrunk_covariance(samples: Samples) -> None:
    domain = Domain.of(samples, np.arange(len(samples)))
    logarithms = np.log(samples.reflectance)
    base = 1  # 750 and 749 nm
    colours = logarithms - logarithms[:, [base]]
    colours[:, base] = logarithms[:, base]
    covariance = np.cov(colours.T)
    shrunk = (1 - domain.shrinkage) * covariance + domain.shrinkage * np.diag(np.diag(covariance))
    away = colours - colours.mean(axis=0)
    expected = np.sqrt(np.sum(away @ np.linalg.inv(shrunk) * away, axis=1))
    np.testing.assert_allclose(domain.distance(samples.reflectance), expected, rtol=1e-8)
    assert 0.0 < domain.shrinkage < 1.0


def test_what_is_independent_is_shrunk_whole_and_what_is_one_hardly() -> None:
    random = np.random.default_rng(0)
    samples = made_samples(10, 4, seed=1)
    noise = random.normal(0, 0.1, (40, 5))
    noise[:, [0, 2, 3, 4]] += noise[:, [1]]  # colours that have nothing to do with albedo
    samples.reflectance[:] = 0.2 * np.exp(noise)
    assert Domain.of(samples, np.arange(40)).shrinkage > 0.6
    shared = random.normal(0, 0.1, (40, 1))
    samples.reflectance[:] = 0.2 * np.exp(shared * [0.5, 1, 1.5, 2, 3] + 0.02 * noise)
    assert Domain.of(samples, np.arange(40)).shrinkage < 0.1


@BOTH
def test_no_station_is_outside_but_few_would_be_without_themselves(samples: Samples) -> None:
    rows = np.arange(len(samples))
    domain = Domain.of(samples, rows)
    assert (domain.distance(samples.reflectance) < domain.limit).all()
    for scheme, most in (("LOO", 1), ("LOMO", 2)):
        out = [
            outside(samples, rows, held_out=fold.held_out).size
            for fold in SCHEMES[scheme](samples, rows)
        ]
        assert 1 <= sum(out) <= most


def test_the_limit_is_the_largest_distance_of_a_station_from_the_rest() -> None:
    samples = clementine_49()
    rows = np.arange(len(samples))
    alone = [
        Domain.of(samples, np.delete(rows, row)).distance(samples.reflectance[[row]])[0]
        for row in rows
    ]
    assert Domain.of(samples, rows).limit == pytest.approx(max(alone))


def test_unheard_of_spectra_are_far() -> None:
    samples = clementine_49()
    domain = Domain.of(samples, np.arange(len(samples)))
    glass = samples.reflectance[0] * [1.0, 1.0, 0.7, 0.6, 0.7]  # an absorption that no soil has
    shade = samples.reflectance[0] * 0.2
    near = mixed_spectra(samples, 200)
    assert (domain.distance(np.stack([glass])) > domain.limit).all()
    assert domain.distance(shade[None])[0] > domain.distance(samples.reflectance[:1])[0]
    assert np.median(domain.distance(near)) < domain.limit
    assert np.isnan(domain.distance(-samples.reflectance[:1])).all()


@BOTH
def test_the_graph_gives_the_same_distance(samples: Samples) -> None:
    domain = Domain.of(samples, np.arange(len(samples)))
    builder = GraphBuilder(samples.camera, samples.bands_nm)
    builder.output("FeO", builder.features([f"R{samples.bands_nm[0]}"]))
    builder.output("distance", domain.write(builder))
    outputs = (Output("FeO", "FeO", "wt %"),)
    card = Card("made-up", samples.camera, samples.bands_nm, outputs, distance_limit=domain.limit)
    spectra = mixed_spectra(samples, 1000)
    found = run_graph(builder.build(card), spectra)["distance"]
    np.testing.assert_allclose(found, domain.distance(spectra), rtol=1e-4, atol=1e-4)


def test_too_few_stations_have_no_domain() -> None:
    samples = made_samples(2, 4, seed=2)
    with pytest.raises(StationError, match="in 5 bands needs at least 8 stations but there are 7"):
        Domain.of(samples, np.arange(7))
