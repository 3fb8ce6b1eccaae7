"""Folds: every row is held out once, with all that must go with it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples_at_hand import clementine_49, kaguya_60, made_stations

from lunarscale.errors import StationError
from lunarscale.training.folds import (
    SCHEMES,
    leave_one_mission_out,
    leave_one_out,
    leave_shared_out,
    partition,
)
from lunarscale.training.samples import samples_of


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("oxide", ["FeO", "MgO"])
def test_each_row_is_held_out_once_and_never_trained_on(scheme: str, oxide: str) -> None:
    for samples in (clementine_49(), kaguya_60()):
        rows = samples.rows(oxide)
        folds = SCHEMES[scheme](samples, rows)
        held_out = np.concatenate([fold.held_out for fold in folds])
        assert sorted(held_out) == rows.tolist()
        for fold in folds:
            assert sorted([*fold.held_out, *fold.train]) == rows.tolist()


def test_a_mission_goes_as_a_whole() -> None:
    samples = clementine_49()
    folds = leave_one_mission_out(samples, samples.rows("FeO"))
    sizes = {fold.name: fold.held_out.size for fold in folds}
    assert len(folds) == 11
    assert (sizes["Apollo 17"], sizes["Apollo 16"], sizes["Apollo 15"]) == (21, 10, 9)
    for fold in folds:
        assert {samples.sites[row] for row in fold.held_out} == {fold.name}
        assert fold.name not in {samples.sites[row] for row in fold.train}


def test_built_in_stations_share_neither_spectra_nor_soils() -> None:
    for samples in (clementine_49(), kaguya_60()):
        folds = leave_shared_out(samples, np.arange(len(samples)))
        assert [fold.held_out.size for fold in folds] == [1] * len(samples)


def test_shared_spectra_and_soils_go_together_hand_in_hand() -> None:
    stations = made_stations(3, 2, seed=1)
    soil = {"FeO": 9.0, "TiO2": 2.0, "MgO": 7.0}
    stations[0] = replace(stations[0], oxides_wt_pct=soil)
    stations[3] = replace(stations[3], oxides_wt_pct={**soil, "CaO": 11.0})  # the soil of 0
    stations[5] = replace(stations[5], reflectance=stations[3].reflectance)  # the spectrum of 3
    stations[1] = replace(stations[1], oxides_wt_pct={"FeO": 9.0, "TiO2": 2.0})  # two are too few
    samples = samples_of(stations, "clementine-uvvis")
    folds = leave_shared_out(samples, np.arange(6))
    assert [fold.held_out.tolist() for fold in folds] == [[0, 3, 5], [1], [2], [4]]


def test_nothing_to_train_on_is_an_error() -> None:
    samples = samples_of(made_stations(1, 4, seed=2), "clementine-uvvis")
    assert len(leave_one_out(samples, np.arange(4))) == 4
    with pytest.raises(StationError, match=r"all of 4 station.*site 0"):
        leave_one_mission_out(samples, np.arange(4))


@given(st.lists(st.integers(0, 5), min_size=1))
def test_a_partition_has_every_position_once(labels: list[int]) -> None:
    groups = partition(labels)
    assert sorted(np.concatenate(groups).tolist()) == list(range(len(labels)))
    assert [labels[group[0]] for group in groups] == list(dict.fromkeys(labels))
    assert all(len({labels[i] for i in group}) == 1 for group in groups)
