"""The rule, and that following it inside a fold never looks at what is held out."""

import numpy as np
import pytest
from samples_at_hand import made_samples

from lunarscale.training.families import held_out
from lunarscale.training.folds import leave_one_mission_out, leave_one_out
from lunarscale.training.ridge import Ridge
from lunarscale.training.samples import Samples
from lunarscale.training.selection import Candidates, choose, select

RANDOM = np.random.default_rng(4)
MEASURED = RANDOM.normal(10.0, 4.0, 60)


def missing_by(deviation: float, seed: int = 0) -> np.ndarray:
    return MEASURED + np.random.default_rng(seed).normal(0.0, deviation, 60)


def test_who_stands_below_the_reference_at_other_sites_is_out() -> None:
    loo = np.stack([missing_by(2.0), missing_by(0.5, 1)])
    lomo = np.stack([missing_by(2.5), missing_by(3.5, 1)])
    assert choose(MEASURED, loo, lomo) == 0
    assert choose(MEASURED, loo, lomo[::-1]) == 1


def test_who_has_no_skill_at_other_sites_is_out_where_another_has() -> None:
    loo = np.stack([missing_by(2.0), missing_by(0.5, 1), missing_by(1.5, 2)])
    lomo = np.stack([missing_by(9.0), missing_by(6.0, 1), missing_by(3.0, 2)])
    assert choose(MEASURED, loo, lomo) == 2
    # where none has, the reference is the measure
    assert choose(MEASURED, loo[:2], lomo[:2]) == 1


def test_the_better_at_held_out_rows_wins_where_the_bootstrap_can_tell() -> None:
    loo = np.stack([missing_by(2.0), missing_by(0.5, 1), missing_by(1.5, 2)])
    lomo = np.stack([missing_by(3.0), missing_by(2.5, 1), missing_by(1.0, 2)])
    assert choose(MEASURED, loo, lomo) == 1


def test_where_it_cannot_tell_other_sites_decide() -> None:
    loo = np.stack([missing_by(2.0), missing_by(1.0, 1), missing_by(1.02, 2)])
    lomo = np.stack([missing_by(3.0), missing_by(2.5, 1), missing_by(1.5, 2)])
    assert choose(MEASURED, loo, lomo) == 2


FAMILIES = (
    Ridge("reference", ("log R415", "log R750", "log R950")),
    Ridge("albedo", ("log R750",)),
    Ridge("ratio", ("R950/R750",)),
)


def test_candidates_are_all_means_of_few() -> None:
    candidates = Candidates.of(FAMILIES, size=2)
    assert candidates.members == ((0,), (1,), (2,), (0, 1), (0, 2), (1, 2))
    assert candidates.weights[4].tolist() == [0.5, 0.0, 0.5]
    assert candidates.family(4).name == "reference & ratio"
    np.testing.assert_allclose(candidates.weights.sum(axis=1), 1.0)


def test_the_chosen_predicts_as_it_does_alone() -> None:
    samples = made_samples(6, 4, seed=1)
    candidates = Candidates.of(FAMILIES)
    found = select(candidates, samples, "FeO")
    index = [candidates.family(i).name for i in range(6)].index(found.chosen)
    for scheme, folds in (("LOO", leave_one_out), ("LOMO", leave_one_mission_out)):
        alone = held_out(candidates.family(index), samples, "FeO", folds=folds(samples, found.rows))
        np.testing.assert_allclose(found.predicted[scheme], alone, rtol=1e-12)
    assert list(found.choices["LOMO"]) == [f"site {site}" for site in range(6)]
    assert len(found.choices["LOO"]) == 24


def changed_at(samples: Samples, rows: range) -> Samples:
    values = samples.target("FeO").copy()
    values[rows.start : rows.stop] += 40.0
    return Samples(
        samples.camera, samples.bands_nm, samples.reflectance, {"FeO": values}, samples.sites,
        samples.names, samples.estimated, samples.digest,
    )  # fmt: skip


@pytest.mark.parametrize("site", [0, 3])
def test_the_nested_prediction_of_a_site_knows_nothing_of_its_soils(site: int) -> None:
    """Change a site's oxide beyond reason: what is predicted there must stay the same."""
    samples = made_samples(6, 4, seed=2)
    own = range(4 * site, 4 * site + 4)
    candidates = Candidates.of(FAMILIES)
    before = select(candidates, samples, "FeO")
    after = select(candidates, changed_at(samples, own), "FeO")
    name = f"site {site}"
    assert before.choices["LOMO"][name] == after.choices["LOMO"][name]
    np.testing.assert_array_equal(before.nested["LOMO"][own], after.nested["LOMO"][own])
    others = [row for row in range(24) if row not in own]
    assert not np.allclose(before.nested["LOMO"][others], after.nested["LOMO"][others])


def test_the_nested_prediction_of_a_row_knows_nothing_of_its_soil() -> None:
    samples = made_samples(5, 3, seed=3)
    candidates = Candidates.of(FAMILIES)
    before = select(candidates, samples, "FeO")
    after = select(candidates, changed_at(samples, range(7, 8)), "FeO")
    assert before.nested["LOO"][7] == after.nested["LOO"][7]
