"""Why a pixel has no value: the worst reason of the bands that its model needs."""

import numpy as np
import pytest

from lunarscale.bands import CLEMENTINE_UVVIS, KAGUYA_MI
from lunarscale.flags import BITS_PER_BAND, MapReason
from lunarscale.models.reasons import Reasons


@pytest.mark.parametrize(("camera", "dtype"), [(CLEMENTINE_UVVIS, "uint16"), (KAGUYA_MI, "uint32")])
def test_the_worst_reason_of_the_models_bands(camera, dtype):
    rng = np.random.default_rng(4)
    bands, pixels = len(camera.wavelengths_nm), 5_003
    codes = rng.integers(0, 8, (bands, pixels)) * (rng.random((bands, pixels)) < 0.3)
    packed = np.zeros(pixels, dtype)
    for band, code in enumerate(codes):
        packed |= code.astype(dtype) << dtype_shift(dtype, band)
    reasons = np.array(camera.map_reasons, dtype=np.uint8)
    chosen, other = (3, 1), (0,)
    missing = (codes[list(chosen)] != 0).any(axis=0) & (rng.random(pixels) < 0.9)
    of_other = (codes[0] != 0) & (rng.random(pixels) < 0.9)
    flags = np.where(missing, MapReason.NO_INPUT, 16 * (codes[0] > 3)).astype(np.uint8)
    flags = np.stack([flags, np.where(missing, MapReason.NO_INPUT, 0), of_other]).astype(np.uint8)
    expected = flags.copy()
    worst = np.maximum(reasons[codes[chosen[0]]], reasons[codes[chosen[1]]])
    expected[:2, missing] = np.maximum(worst[missing], MapReason.NO_INPUT)
    expected[2, of_other] = np.maximum(reasons[codes[0]], MapReason.NO_INPUT)[of_other]
    Reasons([chosen, other], [2, 1], reasons).explain(flags, packed)
    np.testing.assert_array_equal(flags, expected)


def dtype_shift(dtype, band):
    return np.dtype(dtype).type(band * BITS_PER_BAND)


@pytest.mark.parametrize("pixels", [1, 10, 32, 100])
def test_where_nothing_is_missing_nothing_changes(pixels):
    packed = np.zeros(pixels, np.uint16)
    flags = np.ones((1, pixels), np.uint8)  # no pixel lacks a band, whatever a flag says
    reasons = Reasons([(0,)], [1], np.full(8, 3, np.uint8))
    reasons.explain(flags, packed)
    assert (flags == 1).all()
    packed[-1] = 4
    reasons.explain(flags, packed)
    assert (flags[0] == np.where(packed == 4, 3, 1)).all()
