"""The kernels against a float64 NumPy twin that shares nothing with them."""

import math
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba.core.codegen import get_host_cpu_features

from lunarscale.errors import ModelError
from lunarscale.flags import EXTRAPOLATED, NEGATIVE, NO_DATA, REASON_MASK, MapReason
from lunarscale.models.kernels import first_count_above, kernel_of, most_of
from lunarscale.models.laws import AngleLine, AnglePower
from lunarscale.models.loops import counts_loop, values_loop
from lunarscale.models.quantise import quantise
from lunarscale.models.registry import BUILT_IN

SCALE = 1.35e-4
#: The largest error that is accepted, in the quantity's units.
ACCEPTED = {"FeO": 1e-5, "TiO2": 3e-5, "OMAT": 3e-7, "theta_Fe": 3e-7, "theta_Ti": 3e-7}
CLEMENTINE = [name for name, model in BUILT_IN.items() if model.camera == "clementine-uvvis"]

#: Origins and coefficients of the published equations, written out again from the papers.
IRON = {"qiu-2025": (0.018, 1.188, 24.770, -8.053), "lucey-2000": (0.08, 1.19, 17.427, -7.565)}
TITANIUM = {"qiu-2025": (0.0, 0.481, 7.128, 4.022), "lucey-2000": (0.0, 0.42, 3.708, 5.979)}


def twin(name, base, other):
    """Value (NaN where none) and flag of reflectances, straight from the papers, in float64."""
    author, _, kind = name.rpartition("-")
    ratio = other / base
    with np.errstate(divide="ignore", invalid="ignore"):
        if name == "wilcox-2005-feo":
            floor = 0.0
            value = -137.97 * (0.9834 * base + 0.1813 * ratio) + 57.46
        elif kind == "tio2":
            floor, y0, a, p = TITANIUM[author]
            angle = np.arctan((ratio - y0) / (base - floor))
            value = a * np.abs(angle) ** p
        else:
            floor, y0, a, b = IRON[author]
            if kind == "feo":
                value = -a * np.arctan((ratio - y0) / (base - floor)) + b
            else:
                value = np.sqrt((base - floor) ** 2 + (ratio - y0) ** 2)
    flag = NEGATIVE * (value < 0) + EXTRAPOLATED * ((base < 0.05) | (base > 0.40))
    if kind == "tio2":
        flag = np.where(angle <= 0, MapReason.ANGLE_NOT_POSITIVE, flag)
    flag = np.where(base <= floor, MapReason.OUTSIDE_DOMAIN, flag)
    return np.where(flag & REASON_MASK, np.nan, value), flag


@pytest.mark.parametrize("name", CLEMENTINE)
def test_every_count_within_the_accepted_error_and_with_its_flag(name):
    model = BUILT_IN[name]
    worst, medians = 0.0, []
    for base in range(math.ceil(0.03 / SCALE), math.floor(0.45 / SCALE) + 1):
        other = np.arange(math.ceil(0.5 * base), 2 * base + 1, dtype=np.int16)
        got = model.predict(np.stack([np.full_like(other, base), other]), SCALE)
        value, flag = twin(name, base * SCALE, other * SCALE)
        np.testing.assert_array_equal(got.flags[0], flag, err_msg=f"base count {base}")
        there = ~np.isnan(value)
        if there.any():
            errors = np.abs(got.values[0][there] - value[there])
            worst = max(worst, float(errors.max()))
            medians.append(float(np.median(errors)))
    print(f"{name}: maximum error {worst:.1e}, median {np.median(medians):.1e}")
    assert worst <= ACCEPTED[model.quantity.name]


@pytest.mark.parametrize("name", ["otake-2012-theta-fe", "otake-2012-theta-ti"])
def test_angles_of_kaguya_counts(name, seeded):
    model, scale = BUILT_IN[name], 2e-5
    base = seeded.integers(1000, 32767, 500_000).astype(np.int16)
    other = np.minimum(base * seeded.uniform(0.3, 1.5, base.size), 32767).astype(np.int16)
    got = model.predict(np.stack([base, other]), scale)
    bands = dict(zip(model.bands_nm, (base * scale, other * scale), strict=True))
    exact = model.exact(bands)
    has_value = (got.flags[0] & REASON_MASK) == 0
    np.testing.assert_array_equal(has_value, ~np.isnan(exact))
    error = np.abs(got.values[0] - exact)[has_value]
    assert error.max() <= ACCEPTED[model.quantity.name]


@pytest.fixture
def seeded():
    return np.random.default_rng(20)


@pytest.mark.parametrize("name", BUILT_IN)
def test_any_counts_give_finite_values_and_no_data_gives_no_input(name, seeded):
    model = BUILT_IN[name]
    counts = seeded.integers(-32768, 32768, (2, 200_000)).astype(np.int16)
    counts[0, :1000] = NO_DATA
    counts[1, 500:1500] = NO_DATA
    edges = np.array([-32768, -32767, -1, 0, 1, 32766, 32767], dtype=np.int16)
    counts[:, -49:] = np.array(np.meshgrid(edges, edges)).reshape(2, -1)
    got = model.predict(counts, SCALE)
    assert np.isfinite(got.values).all()
    no_input = (counts == NO_DATA).any(axis=0)
    np.testing.assert_array_equal((got.flags[0] == MapReason.NO_INPUT), no_input)
    not_above = (counts[0] * SCALE <= model.law.floor) & ~no_input
    np.testing.assert_array_equal(got.flags[0] == MapReason.OUTSIDE_DOMAIN, not_above)


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_pixel_does_not_depend_on_its_neighbours(name, seeded):
    """The packed part of a loop, its scalar end and a strided loop agree bit for bit."""
    model = BUILT_IN[name]
    base = seeded.integers(200, 3300, 4099).astype(np.int16)
    other = (base * seeded.uniform(0.3, 1.6, base.size)).astype(np.int16)
    counts = np.stack([base, other])
    whole = model.predict(counts, SCALE)
    for start, length in [(0, 1), (1, 2), (5, 31), (64, 100), (1001, 3000), (4098, 1)]:
        part = model.predict(np.ascontiguousarray(counts[:, start : start + length]), SCALE)
        cut = np.s_[:, start : start + length]
        assert part.values.tobytes() == whole.values[cut].tobytes()
        assert part.flags.tobytes() == whole.flags[cut].tobytes()
    every_third = model.predict(counts[:, ::3], SCALE)
    assert every_third.values.tobytes() == whole.values[:, ::3].tobytes()


@pytest.mark.parametrize("name", BUILT_IN)
def test_integers_in_one_pass_are_the_quantised_values(name, seeded):
    model = BUILT_IN[name]
    counts = seeded.integers(-32768, 32768, (2, 200_003)).astype(np.int16)
    counts[0, :100_000] = seeded.integers(200, 3300, 100_000)
    counts[1, :100_000] = counts[0, :100_000] * seeded.uniform(0.3, 1.6, 100_000)
    counts[:, seeded.random(counts.shape[1]) < 0.05] = NO_DATA
    values = model.predict(counts, SCALE)
    made = np.empty((1, counts.shape[1]), np.int16), np.empty((1, counts.shape[1]), np.uint8)
    model.predict_counts(counts, SCALE, out=made)
    expected = quantise(values.values, values.flags, model.quantity.quantum)
    for got, wanted in zip(made, expected, strict=True):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize(
    "law",
    [
        AngleLine(0.018, 1.188, -1, a=104.0, b=0.4),  # the most is 2 quanta within
        AngleLine(0.018, 1.188, 1, a=2000.0, b=-100.0),
        AnglePower(0.0, 0.481, a=-7.1, p=4.022),
    ],
)
def test_a_law_keeps_its_promise_of_the_most_and_nothing_wraps_beyond_it(law):
    counts = np.random.default_rng(5).integers(-32768, 32768, (2, 20_000)).astype(np.int16)
    scaled = law, (0.05, 0.4), SCALE
    values, flags = np.empty(20_000, np.float32), np.empty(20_000, np.uint8)
    values_loop(scaled)(*counts, values, flags)
    assert np.abs(values).max() <= most_of(law) * (1 + 1e-6)
    made, told = np.empty(20_000, np.int16), np.empty(20_000, np.uint8)
    counts_loop(scaled, 0.005)(*counts, made, told)
    expected = quantise(values, flags, 0.005)
    np.testing.assert_array_equal(made, expected[0])
    np.testing.assert_array_equal(told, expected[1])


def test_values_do_not_depend_on_the_width_of_vectors():
    program = (
        "import hashlib, numpy as np\n"
        "from lunarscale.models.registry import DEFAULT_MODELS\n"
        "random = np.random.default_rng(7)\n"
        "base = random.integers(200, 3300, 100_003)\n"
        "other = base * random.uniform(0.3, 1.6, base.size)\n"
        "counts = np.stack([base, other]).astype(np.int16)\n"
        "values = [model.predict(counts, 1.35e-4).values for model in DEFAULT_MODELS]\n"
        "print(hashlib.sha256(np.stack(values)).hexdigest())\n"
    )
    as_it_is = {key: value for key, value in os.environ.items() if key != "NUMBA_CPU_FEATURES"}
    wide = {**as_it_is, "NUMBA_CPU_FEATURES": f"{get_host_cpu_features()},-prefer-256-bit"}
    digests = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=environment,
            check=True,
            timeout=300,
            capture_output=True,
            text=True,
        ).stdout
        for environment in (as_it_is, wide)
    }
    assert len(digests) == 1
    assert len(digests.pop()) == 65


def test_no_pixels_are_no_error():
    got = BUILT_IN["qiu-2025-feo"].predict(np.empty((2, 0), dtype=np.int16), SCALE)
    assert got.values.shape == got.flags.shape == (1, 0)


@given(
    reflectance=st.floats(-0.5, 1.0),
    scale=st.sampled_from([1.35e-4, 2e-5, 1e-4, 1 / 32767]),
)
def test_first_count_above_is_the_first(reflectance, scale):
    count = first_count_above(reflectance, scale)
    assert (count - 1) * scale <= reflectance
    assert count * scale > reflectance or count == 32768


@settings(max_examples=4, deadline=None)
@given(
    x0=st.integers(0, 200).map(lambda k: k / 1000),
    y0=st.integers(1000, 1999).map(lambda k: k / 1000),
)
def test_any_origin_of_a_calibration_is_exact(x0, y0):
    law = AngleLine(x0, y0, -1, 25.0, -8.0)
    lowest = first_count_above(x0, SCALE)
    base = np.repeat(np.arange(lowest, lowest + 40, dtype=np.int16), 50)
    other = (base * np.tile(np.linspace(0.8, 1.6, 50), 40)).astype(np.int16)
    values, flags = np.empty(base.size, np.float32), np.empty(base.size, np.uint8)
    values_loop((law, (0.05, 0.4), SCALE))(base, other, values, flags)
    # the origin's remainder in float64 is exact to 1e-16, the first count above may be 1e-8 off it
    exact = law.exact(base * SCALE, other / base)
    near = base * SCALE - x0 < 1e-7
    assert np.abs(values - exact)[~near].max() < 2e-5


@pytest.mark.parametrize("y0", [1.00001, 2.0, -0.1, 1 / 3])
def test_an_origin_finer_than_the_integers_is_refused(y0):
    with pytest.raises(ModelError, match=r"multiple of 0\.0001"):
        kernel_of(AngleLine(0.01, y0, -1), (0.05, 0.4), SCALE)


@pytest.mark.parametrize(
    ("fitted", "scale", "flag"),
    [
        ((0.05, 1e30), SCALE, 0),
        ((1e29, 1e30), SCALE, EXTRAPOLATED),
        ((0.05, 0.4), 1e-12, MapReason.OUTSIDE_DOMAIN),
    ],
)
def test_limits_beyond_all_counts_hold(fitted, scale, flag):
    base, flags = np.full(9, 1000, np.int16), np.empty(9, np.uint8)
    values_loop((AngleLine(0.01, 1.2, -1, 25.0), fitted, scale))(
        base, base, np.empty(9, np.float32), flags
    )
    assert set(flags & ~np.uint8(NEGATIVE)) == {flag}


@pytest.mark.parametrize("scale", [0.0, -1e-4, math.nan, math.inf])
def test_a_scale_that_is_none_is_refused(scale):
    with pytest.raises(ModelError, match="positive reflectance"):
        kernel_of(AngleLine(0.01, 1.2, -1), (0.05, 0.4), scale)


def test_importing_compiles_nothing():
    program = (
        "import lunarscale.models.registry\n"
        "from lunarscale.models import loops, quantise, polynomials\n"
        "from numba.core.registry import CPUDispatcher\n"
        "compiled = [n for n, f in vars(polynomials).items()\n"
        "            if isinstance(f, CPUDispatcher) and f.overloads]\n"
        "assert not compiled, compiled\n"
        "assert loops._values_loop.cache_info().currsize == 0\n"
        "assert loops._counts_loop.cache_info().currsize == 0\n"
        "assert quantise._loop.cache_info().currsize == 0\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=300)
