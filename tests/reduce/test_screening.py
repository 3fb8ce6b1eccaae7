"""What passes a screening, against counting sample by sample; thresholds cut exactly."""

import numpy as np
import pytest

from lunarscale.errors import ParametersError
from lunarscale.flags import NO_DATA
from lunarscale.reduce.screening import Likeness, Screen, pair_counts

RNG = np.random.default_rng(5)


def soils(n: int, feo: float, mg: float) -> tuple[np.ndarray, np.ndarray]:
    """Counts of FeO and Mg# about a composition, iron against magnesium."""
    along = RNG.normal(size=n)
    counts = (feo + 2.0 * along) / 0.005, (mg - 0.03 * along + RNG.normal(0, 0.01, n)) / 1e-4
    first, second = (np.rint(part).astype(np.int16) for part in counts)
    return first, second


MARIA = soils(60_000, 16.8, 0.494)
CAP = np.concatenate([soils(9_000, 7, 0.63), soils(1_000, 15, 0.53)], axis=1)


def likeness(screen: Screen) -> Likeness:
    """Of the made maria."""
    return Likeness(screen, pair_counts(*MARIA, screen.axes("FeO", "Mg_number"))[1])


@pytest.mark.parametrize("screen", [Screen(), Screen(14.37, 0.5512, 0.8), Screen(0.1, 0.85, 0.999)])
def test_thresholds_cut_exactly_between_counts(screen: Screen) -> None:
    axes = screen.axes("FeO", "Mg_number")
    feo, mg = CAP
    passing = likeness(screen).passing()
    pair, counts = pair_counts(feo, mg, axes)
    inside = likeness(screen).overlap().ravel()[pair]
    expected = (
        inside & (feo * 0.005 > screen.feo_wt_pct + 1e-9) & (mg < screen.mg_number * 1e4 - 1e-6)
    )
    np.testing.assert_array_equal(passing.ravel()[pair], expected)
    assert counts[passing].sum() == expected.sum() > 0


def test_values_at_the_thresholds_do_not_pass() -> None:
    screen = Screen()
    feo = np.array([3000, 3001, 3001, 3000, NO_DATA], np.int16)
    mg = np.array([5999, 5999, 6000, 6000, 5000], np.int16)
    whole = Likeness(
        screen, np.ones((len(screen.feo_edges()) + 1, len(screen.mg_edges()) + 1), int)
    )
    pair, counts = pair_counts(feo, mg, screen.axes("FeO", "Mg_number"))
    assert pair[-1] == -1
    assert counts.sum() == 4
    everywhere = whole.overlap(1.0)
    assert everywhere.all()
    rows, cols = np.divmod(pair[:-1], counts.shape[1])
    above = rows > screen.feo_edges().index(15.0)
    below = cols <= screen.mg_edges().index(0.6)
    assert (above & below).tolist() == [False, True, False, False]


def test_the_region_holds_its_share_of_the_maria_and_little_more() -> None:
    for share in (0.5, 0.8, 0.95):
        like = likeness(Screen(density_share=share))
        held = like.maria[like.overlap()].sum() / like.maria.sum()
        assert share <= held < share + 0.005


def test_sensitivity_agrees_with_screens_of_their_own() -> None:
    asked = Screen()
    like = likeness(asked)
    pair, counts = pair_counts(*CAP, asked.axes("FeO", "Mg_number"))
    table = like.sensitivity(counts)
    shares, feos, mgs = asked.shares(), asked.feo_range(), asked.mg_range()
    assert table.shape == (len(shares), len(feos), len(mgs)) == (9, 13, 17)
    feo, mg = CAP
    for i, j, k in ((0, 0, 0), (6, 6, 8), (8, 12, 16), (3, 9, 2)):
        inside = like.overlap(shares[i]).ravel()[pair]
        expected = inside & (feo > round(feos[j] / 0.005)) & (mg < round(mgs[k] / 1e-4))
        assert table[i, j, k] == expected.sum()
    at = shares.index(0.95), feos.index(15.0), mgs.index(0.6)
    assert table[at] == counts[like.passing()].sum()
    # looser never finds less
    assert (np.diff(table, axis=0) >= 0).all()
    assert (np.diff(table, axis=1) <= 0).all()
    assert (np.diff(table, axis=2) >= 0).all()
    overlaps = like.overlaps(counts)
    assert (overlaps[:, None, None] >= table).all()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((0.0, 0.6, 0.95), "--feo 0: .* above 0"),
        ((15.0, 60.0, 0.95), "--mg-number 60: .* give a fraction"),
        ((15.0, 0.6, 95.0), "--density 95: .* below 1"),
        ((15.0, 0.6, 1.0), "--density 1"),
        ((float("nan"), 0.6, 0.5), "--feo nan"),
    ],
)
def test_impossible_screens_are_refused(values: tuple[float, float, float], said: str) -> None:
    with pytest.raises(ParametersError, match=said):
        Screen(*values)
