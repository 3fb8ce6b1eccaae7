"""A network under every protocol, and its scores beside what it is held against."""

import numpy as np
import pytest

from lunarscale.models.scores import r2
from lunarscale.stations import clementine_stations
from lunarscale.training.cross_calibration import cross_calibrated_stations
from lunarscale.training.cross_validation import LEAKY, NetworkRun, cross_validate
from lunarscale.training.families import held_out
from lunarscale.training.folds import leave_one_mission_out
from lunarscale.training.judge import difference
from lunarscale.training.menu import REFERENCE, ridges
from lunarscale.training.networks import QIU_2025
from lunarscale.training.samples import Samples, samples_of
from lunarscale.training.scoreboard import RIDGE, SEEN, scoreboard

EPOCHS = 4


@pytest.fixture(scope="module")
def samples() -> Samples:
    stations = (*clementine_stations()[:7], *clementine_stations()[44:])
    return samples_of((*stations, *cross_calibrated_stations()), "clementine-uvvis")


@pytest.fixture(scope="module")
def run(samples: Samples) -> NetworkRun:
    told: list[tuple[int, int]] = []
    made = cross_validate(
        QIU_2025, samples, ("FeO", "MgO"), seeds=(0, 1), epochs=EPOCHS,
        progress=lambda done, todo: told.append((done, todo)),
    )  # fmt: skip
    assert told[-1][0] == told[-1][1]
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    return made


def test_every_row_with_the_oxide_is_predicted_under_every_protocol(
    run: NetworkRun, samples: Samples
) -> None:
    assert {scheme for scheme, _ in run.held_out} == {"LOO", "LOMO", LEAKY}
    for (_, oxide), predicted in run.held_out.items():
        assert predicted.shape == (2, len(samples))
        known = ~np.isnan(samples.target(oxide))
        assert np.array_equal(np.isfinite(predicted), np.broadcast_to(known, predicted.shape))
    assert np.isnan(samples.target("MgO")).any()
    assert run.diverged == ()


def test_a_held_out_row_has_no_say_in_what_is_predicted_of_it(
    run: NetworkRun, samples: Samples
) -> None:
    """Another soil at one station changes what it teaches the others, never itself."""
    row = 3
    oxides = {name: values.copy() for name, values in samples.oxides.items()}
    oxides["FeO"][row] += 9.0
    told_otherwise = Samples(
        samples.camera, samples.bands_nm, samples.reflectance, oxides, samples.sites,
        samples.names, samples.estimated, "another",
    )  # fmt: skip
    again = cross_validate(QIU_2025, told_otherwise, ("FeO",), seeds=(0, 1), epochs=EPOCHS)
    for scheme in ("LOO", "LOMO"):
        before, after = run.held_out[scheme, "FeO"], again.held_out[scheme, "FeO"]
        assert np.array_equal(before[:, row], after[:, row])
    assert not np.array_equal(run.held_out["LOO", "FeO"], again.held_out["LOO", "FeO"])
    leaked = run.held_out[LEAKY, "FeO"][:, row], again.held_out[LEAKY, "FeO"][:, row]
    assert not np.array_equal(*leaked)  # the leaky protocol does let it in: the test can fail


def test_the_ensemble_is_the_mean_of_the_seeds_that_did_not_diverge(run: NetworkRun) -> None:
    by_seed = run.held_out["LOO", "FeO"].copy()
    by_seed[0, 2], by_seed[:, 5] = np.nan, np.nan
    spoilt = NetworkRun(run.final, {("LOO", "FeO"): by_seed}, ())
    mean = spoilt.mean("LOO", "FeO")
    assert mean[2] == by_seed[1, 2]
    assert np.isnan(mean[5])
    assert mean[0] == by_seed[:, 0].mean()


def test_scores_stand_on_equal_rows_beside_ridge_equation_and_paper(
    run: NetworkRun, samples: Samples
) -> None:
    lines = {(ln.oxide, ln.model, ln.scheme): ln for ln in scoreboard(run, samples)}
    rows = samples.rows("FeO")
    measured = samples.target("FeO")[rows]
    line = lines["FeO", "qiu-2025", "LOMO"]
    assert line.r2 == r2(measured, run.mean("LOMO", "FeO")[rows])
    ridge = ridges(samples.bands_nm)[REFERENCE]
    rival = held_out(ridge, samples, "FeO", folds=leave_one_mission_out(samples, rows))[rows]
    assert lines["FeO", RIDGE, "LOMO"].r2 == r2(measured, rival)
    assert line.against_ridge is not None
    assert line.against_ridge.value == line.r2 - r2(measured, rival)
    sites = [samples.sites[row] for row in rows]
    network = run.mean("LOMO", "FeO")[rows]
    assert line.against_ridge == difference(measured, network, rival, sites=sites)
    alone = lines["FeO", "qiu-2025", "LOO"]
    assert alone.against_ridge is not None
    assert alone.against_ridge.interval != line.against_ridge.interval
    assert lines["FeO", "qiu-2025-feo", SEEN].score is not None
    assert lines["FeO", "qiu-2025, as published", "LOO"].r2 == 0.897
    assert lines["MgO", "qiu-2025, as published", "LOO"].score is None
    assert ("MgO", "qiu-2025-feo", SEEN) not in lines
