"""The models that come with the package: of today's stations, and what their recipes predict."""

from functools import cache

import numpy as np
import pytest
from samples_at_hand import clementine_49, kaguya_60, mixed_spectra, run_graph

from lunarscale.models.card import LEFT_OUT, TABLE
from lunarscale.models.derived import mg_number
from lunarscale.models.network import Network
from lunarscale.models.network_files import ready_names, ready_network
from lunarscale.models.registry import BUILT_IN, find_models
from lunarscale.models.session import READY, read_file
from lunarscale.steps.learning.ready import NETWORK, SEEDS
from lunarscale.steps.mixtures import never_saw
from lunarscale.training.intervals import LEVEL, intervals_of
from lunarscale.training.networks import NETWORKS
from lunarscale.training.recipes import SHIPPED, shipped
from lunarscale.training.samples import Samples

NAMES = ["clementine-intervals", "clementine-oxides", "kaguya-intervals", "kaguya-oxides",
         "qiu-2025-cnn"]  # fmt: skip

CAMERAS = {"clementine": clementine_49, "kaguya": kaguya_60}

REMAKE = "remake it: lunarscale train --network ready --out lunarscale/models/ready"


def samples_for(network: Network) -> Samples:
    return {made().camera: made() for made in CAMERAS.values()}[network.camera]


@cache
def found(name: str) -> dict[str, np.ndarray]:
    """Outputs at the stations, and on mixtures of them."""
    samples = samples_for(ready_network(name))
    spectra = np.concatenate([samples.reflectance, mixed_spectra(samples, 200)])
    return run_graph(read_file(READY + name), spectra)


def spectra_of(samples: Samples) -> np.ndarray:
    """As ``found`` was given them: the stations first."""
    both = np.concatenate([samples.reflectance, mixed_spectra(samples, 200)])
    return both.astype(np.float32).astype(np.float64)


def test_these_come_with_the_package() -> None:
    assert ready_names() == NAMES
    assert not set(NAMES) & set(BUILT_IN)


@pytest.mark.parametrize("name", NAMES)
def test_each_is_of_the_stations_of_today(name: str) -> None:
    (network,) = find_models(name)
    assert isinstance(network, Network)
    assert network.digest == ready_network(name).digest
    card = network.card
    assert card.name == name
    samples = samples_for(network)
    assert card.training["stations"] == samples.digest, REMAKE
    assert card.training[LEFT_OUT] == []
    assert TABLE not in card.training
    assert not never_saw([name], [1])
    for oxide, n in card.training["n"].items():
        assert n == samples.rows(oxide).size
    assert card.licence
    assert card.version


@pytest.mark.parametrize("name", NAMES)
def test_each_runs_on_counts(name: str) -> None:
    """Where the graph has a value at the stations, so has the model, and it is the same."""
    network = ready_network(name)
    samples = samples_for(network)
    scale = 1.35e-4 if network.camera == "clementine-uvvis" else 2e-5
    counts = np.rint(samples.reflectance.T / scale).astype(np.int16)
    predicted = network.predict(counts, scale)
    exact = run_graph(read_file(READY + name), counts.T * scale)
    for row, quantity in enumerate(network.quantities):
        values = exact[quantity.name]
        assert np.isfinite(values).all()
        np.testing.assert_allclose(predicted.values[row], values, atol=1e-4, rtol=0)


@pytest.mark.parametrize("camera", CAMERAS)
def test_oxides_are_what_the_recipes_fit_in_float64(camera: str) -> None:
    samples, values = CAMERAS[camera](), found(f"{camera}-oxides")
    spectra = spectra_of(samples)
    assert set(SHIPPED[samples.camera]) == set(samples.oxides)
    for oxide in samples.oxides:
        fitted = shipped(samples, oxide).fit(samples, oxide, samples.rows(oxide))
        difference = np.abs(values[oxide] - fitted.predict(spectra))
        assert difference.max() < 5e-4, f"{oxide}: {REMAKE}"
    expected = mg_number(values["MgO"], values["FeO"])
    np.testing.assert_allclose(values["Mg_number"], expected, rtol=1e-5)


@pytest.mark.parametrize("camera", CAMERAS)
def test_intervals_are_those_of_numpy_and_hold_the_value(camera: str) -> None:
    samples, values = CAMERAS[camera](), found(f"{camera}-oxides")
    ends, spectra = found(f"{camera}-intervals"), spectra_of(CAMERAS[camera]())
    for oxide in samples.oxides:
        made = intervals_of(shipped(samples, oxide), samples, oxide, level=LEVEL)
        lower, upper = made.ends(spectra)
        np.testing.assert_allclose(ends[f"{oxide}_lower"], lower, atol=2e-3, rtol=0)
        np.testing.assert_allclose(ends[f"{oxide}_upper"], upper, atol=2e-3, rtol=0)
        at = slice(len(samples))
        assert (ends[f"{oxide}_lower"][at] <= values[oxide][at]).all()
        assert (values[oxide][at] <= ends[f"{oxide}_upper"][at]).all()
        known = samples.rows(oxide)
        measured = samples.target(oxide)[known]
        inside = (ends[f"{oxide}_lower"][known] <= measured) & (
            measured <= ends[f"{oxide}_upper"][known]
        )
        assert inside.mean() >= LEVEL


@pytest.mark.parametrize("camera", CAMERAS)
def test_experimental_oxides_are_so_in_every_file(camera: str) -> None:
    """As the scores of the card say: no skill at landing sites held out."""
    for kind in ("oxides", "intervals"):
        card = ready_network(f"{camera}-{kind}").card
        weak = {
            oxide
            for oxide, figures in card.scores.items()
            if min(figures["R2 LOMO"], figures["R2 LOMO nested"]) < 0.0
        }
        for output in card.outputs:
            oxide = output.quantity.split("_")[0]
            parts = {"FeO", "MgO"} if output.quantity == "Mg_number" else {oxide}
            assert output.experimental == bool(parts & weak), output.quantity
            assert bool(output.reason) == output.experimental


def test_the_network_is_the_mean_of_eight_with_its_scores() -> None:
    card, kind = ready_network("qiu-2025-cnn").card, NETWORKS[NETWORK]
    assert len(card.training["seeds"]) == SEEDS == 8
    assert set(card.training["seeds"]) == set(range(8))
    assert [output.quantity for output in card.outputs] == [*kind.oxides, "Mg_number"]
    assert card.source == kind.source
    assert set(card.scores) == set(kind.oxides)
    values, samples = found("qiu-2025-cnn"), clementine_49()
    for oxide, figures in card.scores.items():
        rows = samples.rows(oxide)
        seen = samples.target(oxide)[rows] - values[oxide][rows]
        # it fits what it saw better than its likes predict what they did not see
        assert np.sqrt(np.mean(seen**2)) < figures["RMSE LOO"]
        assert figures["R2 LOMO"] < figures["R2 LOO"] < 1.0


@pytest.mark.parametrize("name", [name for name in NAMES if "intervals" not in name])
def test_no_station_is_far_from_the_stations(name: str) -> None:
    limit, samples = ready_network(name).card.distance_limit, samples_for(ready_network(name))
    assert limit is not None
    assert (found(name)["distance"][: len(samples)] < limit).all()
