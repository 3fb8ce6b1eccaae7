"""Modes against the maxima of densities that are known."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from lunarscale.reduce.bandwidth import LEAST, NORMAL, SLOPE, Density, plug_in
from lunarscale.reduce.histogram import EMPTY, Histogram
from lunarscale.reduce.modes import modes_of

QUANTUM = 0.005  # wt %

#: Half of these lean to higher values, half to lower ones.
LEANING = stats.gamma(4, loc=5 - 3 * 0.75, scale=0.75), stats.gamma(2.5, loc=-18.8 - 1.8, scale=1.2)


class Mirrored:
    """A distribution turned around."""

    def __init__(self, of):
        self.pdf = lambda x: of.pdf(-x)
        self.rvs = lambda size, random_state: -of.rvs(size, random_state=random_state)


MIXTURES = {
    "one": [(1.0, stats.norm(8, 2))],
    "highlands and maria": [(0.84, stats.norm(4.47, 1.0)), (0.16, stats.norm(18.82, 2.0))],
    "as many": [(0.5, stats.norm(4.5, 1)), (0.5, stats.norm(18.8, 1))],
    "sharp and broad": [(0.5, stats.norm(4.5, 0.5)), (0.5, stats.norm(18.8, 3))],
    "close": [(0.5, stats.norm(6, 0.8)), (0.5, stats.norm(8.2, 0.8))],
    "unequal": [(0.95, stats.norm(5, 1)), (0.05, stats.norm(12, 1))],
    "skewed": [(0.7, LEANING[0]), (0.3, Mirrored(LEANING[1]))],
    "three": [(0.5, stats.norm(4, 0.7)), (0.3, stats.norm(8, 0.7)), (0.2, stats.norm(16, 1.5))],
}


def density_of(mixture, x):
    return sum(share * part.pdf(x) for share, part in mixture)


def truth_of(mixture):
    """Where the density of a mixture has its maxima, on a grid of a thousandth."""
    x = np.arange(-5_000, 40_000) / 1000
    y = density_of(mixture, x)
    return x[1:-1][(y[1:-1] > y[:-2]) & (y[1:-1] > y[2:])]


def drawn(mixture, pixels, seed):
    rng = np.random.default_rng(seed)
    numbers = rng.multinomial(pixels, [share for share, _ in mixture])
    parts = [part.rvs(n, random_state=rng) for n, (_, part) in zip(numbers, mixture, strict=True)]
    values, found = np.unique(np.rint(np.concatenate(parts) / QUANTUM), return_counts=True)
    return Histogram(values.astype(np.int16), found.astype(np.int64) << 30, pixels)


def exact(mixture, pixels=10**9):
    """The mixture itself, as if the map had no end of pixels."""
    values = np.arange(-2000, 8000)
    weights = np.rint(density_of(mixture, values * QUANTUM) * QUANTUM * 2**61).astype(np.int64)
    return Histogram(values[weights > 0].astype(np.int16), weights[weights > 0], pixels)


@pytest.mark.parametrize("name", MIXTURES)
@pytest.mark.parametrize("seed", [0, 1])
def test_all_modes_come_within_a_tenth_of_a_wt_percent(name, seed):
    truth = truth_of(MIXTURES[name])
    found = modes_of(drawn(MIXTURES[name], 1_000_000, seed)).modes
    assert len(found) == len(truth)
    for mode, place in zip(found, truth, strict=True):
        assert mode.location * QUANTUM == pytest.approx(place, abs=0.1)
        assert mode.low * QUANTUM - 0.02 <= place <= mode.high * QUANTUM + 0.02
        assert (mode.high - mode.low) * QUANTUM < 0.4


@pytest.mark.parametrize("name", MIXTURES)
def test_of_a_map_without_end_they_come_within_a_fiftieth(name):
    mixture = MIXTURES[name]
    truth = truth_of(mixture)
    found = modes_of(exact(mixture)).modes
    assert [mode.location * QUANTUM for mode in found] == pytest.approx(list(truth), abs=0.02)
    assert sum(mode.share for mode in found) == pytest.approx(1.0, abs=1e-6)
    for mode, place in zip(found, truth, strict=True):
        assert mode.low <= mode.location <= mode.high
        assert mode.height / QUANTUM == pytest.approx(float(density_of(mixture, place)), rel=0.01)


def test_intervals_hold_the_truth_as_often_as_they_should():
    mixture = MIXTURES["highlands and maria"]
    truth = truth_of(mixture)
    held = [
        mode.low * QUANTUM <= place <= mode.high * QUANTUM
        for seed in range(25)
        for mode, place in zip(modes_of(drawn(mixture, 20_000, seed)).modes, truth, strict=True)
    ]
    assert len(held) == 50
    assert sum(held) >= 44


def test_shares_and_widths_are_those_of_the_parts():
    highlands, maria = modes_of(exact(MIXTURES["highlands and maria"])).modes
    assert highlands.share == pytest.approx(0.84, abs=0.002)
    assert maria.share == pytest.approx(0.16, abs=0.002)
    half = math.sqrt(2 * math.log(2))
    assert (maria.half_high - maria.half_low) * QUANTUM == pytest.approx(4 * half, rel=0.02)
    assert highlands.prominence == pytest.approx(1.0, abs=0.01)
    assert maria.prominence == pytest.approx(0.16 / 0.84 / 2, abs=0.01)


def test_the_saddle_bounds_the_width_of_close_modes():
    left, right = modes_of(exact(MIXTURES["close"])).modes
    assert left.half_high == right.half_low
    assert left.half_high * QUANTUM == pytest.approx(7.1, abs=0.01)


def test_a_mode_that_merges_says_when():
    close = exact([(0.5, stats.norm(6, 0.8)), (0.5, stats.norm(7.9, 0.8))], 10**8)
    both = modes_of(close, bandwidth=80.0, prominence=1e-4).modes
    assert len(both) == 2
    for mode in both:
        assert mode.bandwidth == 80.0
        assert mode.merges_at is not None
        assert 80.0 < mode.merges_at <= 160.0
    assert len(modes_of(close, bandwidth=200.0).modes) == 1


def test_prominence_is_an_option():
    histogram = exact(MIXTURES["unequal"])
    assert [len(modes_of(histogram, prominence=share).modes) for share in (0.02, 0.1)] == [2, 1]


def test_noise_makes_no_modes():
    for pixels in (30, 300, 3_000):
        found = [len(modes_of(drawn(MIXTURES["one"], pixels, seed)).modes) for seed in range(20)]
        assert sum(found) <= 22, (pixels, found)


@pytest.mark.parametrize("values", [[-32188, 0], [0, 32188]])
def test_what_is_too_little_for_a_mode_of_its_own_belongs_to_its_neighbour(values):
    """Values so far apart that nothing at all lies between them, just at the limit."""
    rare, common = 66_403_789_950_823, 3_320_189_497_540_885
    weights = np.array([rare, common] if values[1] == 0 else [common, rare])
    (mode,) = modes_of(Histogram(np.array(values, np.int16), weights, 576)).modes
    assert (round(mode.location), mode.share) == (0, pytest.approx(1.0))


def test_one_value_and_none():
    only = Histogram(np.array([-7], np.int16), np.array([5]), 3)
    (mode,) = modes_of(only).modes
    assert (mode.location, mode.low, mode.high, mode.share) == (-7.0, -7.5, -6.5, 1.0)
    assert modes_of(EMPTY).modes == ()
    assert modes_of(EMPTY).highest is None


AREAS = st.dictionaries(st.integers(-32767, 32767), st.integers(1, 2**56), min_size=2, max_size=30)


@settings(max_examples=15, deadline=None)
@given(areas=AREAS, pixels=st.integers(0, 10**9))
def test_whatever_the_histogram_modes_are_in_order_and_add_up(areas, pixels):
    values = np.array(sorted(areas))
    weights = np.array([areas[value] for value in values.tolist()])
    found = modes_of(Histogram(values.astype(np.int16), weights, pixels))
    places = [mode.location for mode in found.modes]
    assert places
    assert places == sorted(places)
    assert sum(mode.share for mode in found.modes) == pytest.approx(1.0, abs=1e-3)
    assert found.highest in found.modes
    for mode in found.modes:
        assert mode.low <= mode.location <= mode.high
        assert mode.half_low <= mode.location <= mode.half_high
        assert mode.height > 0
        assert math.isfinite(mode.bandwidth)


@pytest.mark.parametrize("pixels", [10**4, 10**6])
def test_the_bandwidth_of_a_normal_is_that_of_the_books(pixels):
    expected = 0.8 ** (1 / 7) * 200 * pixels ** (-1 / 7)
    normal = drawn([(1.0, stats.norm(8, 1))], pixels, 0)
    assert plug_in(Density(normal)) == pytest.approx(expected, rel=0.1)


def test_a_sharper_part_wants_a_smaller_bandwidth_wherever_the_other_lies():
    alone = plug_in(Density(exact([(1.0, stats.norm(5, 0.5))], 10**6)))
    for far in (8, 18, 30):
        both = [(0.5, stats.norm(5, 0.5)), (0.5, stats.norm(far, 3.0))]
        assert plug_in(Density(exact(both, 10**6))) == pytest.approx(1.22 * alone, rel=0.05)


def test_bandwidths_have_a_floor():
    assert plug_in(Density(exact([(1.0, stats.norm(5, 0.02))]))) == LEAST


def test_constants_are_those_of_the_kernel():
    x = np.linspace(-30, 30, 600_001)

    def gauss(s):
        return np.exp(-0.5 * (x / s) ** 2) / (s * math.sqrt(2 * math.pi))

    kernel = 2 * gauss(1.0) - gauss(math.sqrt(2.0))
    step = x[1] - x[0]
    assert kernel.sum() * step == pytest.approx(1.0)
    assert (kernel * x**2).sum() * step == pytest.approx(0.0, abs=1e-9)
    assert (kernel * x**4).sum() * step == pytest.approx(-6.0)
    assert (np.gradient(kernel, step) ** 2).sum() * step == pytest.approx(SLOPE, rel=1e-6)
    assert pytest.approx(0.872, abs=5e-4) == NORMAL


def test_a_sharpened_density_leaves_lopsided_peaks_in_place():
    mixture = [(1.0, LEANING[0])]
    density = Density(exact(mixture))
    plain, sharp = (
        (np.argmax(curve) + density.first) * QUANTUM
        for curve in (density.smoothed(60.0), density.sharpened(60.0))
    )
    assert abs(sharp - 5.0) < 0.2 * abs(plain - 5.0)
    assert abs(plain - 5.0) > 0.03
