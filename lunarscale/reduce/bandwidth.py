"""A histogram as a smooth density: Gaussian kernels, and how wide they should be."""

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lunarscale.reduce.histogram import Histogram

#: Least bandwidth of the rules, in counts: finer, one sees how the maps' integers came about.
LEAST = 10.0

#: Derivative at whose norm the rule starts, taken from a normal distribution. Five steps down
#: to the third, what it was matters no more.
START, WANTED = 8, 3

#: Integral of the squared slope of the kernel of ``Density.sharpened`` at bandwidth 1.
SLOPE = (4.0 - 4.0 / 1.5**1.5 + 1.0 / 2.0**1.5) / (4.0 * math.sqrt(math.pi))

#: The bandwidth at which that kernel shows the slope of a normal distribution of deviation 1 best,
#: for one pixel: h^11 = 3 (4!)^2 SLOPE / (8 mu^2 R), with the kernel's fourth moment mu = -6 and
#: R the integral of the squared fifth derivative, 10! / (2^11 5! sqrt(pi)). About 0.87.
NORMAL = (3 * 576 * SLOPE / (8 * 36 * math.factorial(10) / (2**11 * 120 * math.sqrt(math.pi)))) ** (
    1 / 11
)


@dataclass(frozen=True, eq=False)
class Density:
    """The area of each count as a density that can be smoothed, by Fourier transform.

    Parameters
    ----------
    histogram : Histogram
        Of at least one value.
    """

    histogram: Histogram

    @cached_property
    def _padded(self) -> tuple[int, NDArray[np.float64]]:
        """First count and the shares of area from there on, with empty counts on either side."""
        values, weights = self.histogram.values, self.histogram.weights
        span = self.histogram.maximum - self.histogram.minimum + 1
        pad = span + 200  # as wide as kernels may get
        size = 1 << (span + 2 * pad - 1).bit_length()
        shares = np.zeros(size)
        shares[values.astype(np.int64) - self.histogram.minimum + pad] = weights
        return self.histogram.minimum - pad, shares / shares.sum()

    @cached_property
    def _spectrum(self) -> NDArray[np.complex128]:
        return np.asarray(np.fft.rfft(self._padded[1]), dtype=np.complex128)

    @cached_property
    def _frequencies(self) -> NDArray[np.float64]:
        """Angular, a count."""
        return np.asarray(2.0 * np.pi * np.fft.rfftfreq(self._padded[1].size), dtype=np.float64)

    @property
    def pixels(self) -> int:
        """Number of pixels, at least one."""
        return max(self.histogram.pixels, 1)

    @property
    def first(self) -> int:
        """Count of the first value of a smoothed density."""
        return self._padded[0]

    def smoothed(self, bandwidth: float) -> NDArray[np.float64]:
        """Share of the area per count, smoothed by a Gaussian kernel; from count ``first`` on.

        Parameters
        ----------
        bandwidth : float
            Standard deviation of the kernel in counts, above 1.
        """
        return self._through(np.exp(-0.5 * (bandwidth * self._frequencies) ** 2))

    def sharpened(self, bandwidth: float) -> NDArray[np.float64]:
        """As ``smoothed``, twice of it less that at sqrt(2) times the bandwidth.

        The two blurs cancel to first order, so that lopsided peaks stay where they are: a kernel
        of fourth order (generalised jackknifing; Jones & Foster 1993, Nonparametric Statistics 3,
        81). Far out in the tails, where the difference may fall below zero, there is nothing.
        """
        kernel = np.exp(-0.5 * (bandwidth * self._frequencies) ** 2)
        return self._through(2.0 * kernel - kernel**2)

    def _through(self, kernel: NDArray[np.float64]) -> NDArray[np.float64]:
        curve = np.fft.irfft(self._spectrum * kernel, self._padded[1].size)
        # what rounding leaves where there is nothing would be full of maxima
        return np.where(curve > 1e-12 * curve.max(), curve, 0.0)

    def norm(self, order: int, bandwidth: float) -> float:
        """Integral of the square of a derivative, from counts smoothed a pair by this bandwidth."""
        omega = self._frequencies
        power = np.abs(self._spectrum) ** 2 * np.exp(-0.5 * (bandwidth * omega) ** 2)
        # Parseval, twice the positive frequencies: the integral over them is their sum x spacing
        return float((power * omega ** (2 * order)).sum() * omega[1] / np.pi)

    def spread(self) -> float:
        """The lesser of standard deviation and interquartile distance / 1.349, at least a half."""
        quartiles = (self.histogram.quantile(Fraction(k, 4)) for k in (1, 3))
        low, high = quartiles
        deviation = math.sqrt(self.histogram.moments()[1])
        both = [size for size in (deviation, (high - low) / 1.349) if size > 0.0]
        return max(min(both, default=0.0), 0.5)


def plug_in(density: Density) -> float:
    """The bandwidth that shows the slope of a density best, in counts; at least ``LEAST``.

    Modes are where the slope is zero. Its mean integrated squared error is least, for n pixels
    and many of them, at h = (3 R(K') / (n R(f''')))^(1/7), with R(g) the integral of g^2 and
    R(K') = 1 / (4 sqrt(pi)) of the Gaussian kernel (Wand & Jones 1995, Kernel Smoothing, 2.12;
    Chacon, Duong & Wand 2011, Statistica Sinica 21, 807). R(f''') is estimated by kernels too,
    each derivative's bandwidth from the norm of the next (Wand & Jones, 3.5). Neighbouring
    pixels are alike, so that n overstates what is known: the bandwidth is rather too small than
    too large, and spurious modes are held off by their prominence.
    """
    pixels, spread = density.pixels, density.spread()
    order = 2 * START
    norm = math.factorial(order) / (
        (2 * spread) ** (order + 1) * math.factorial(START) * math.sqrt(math.pi)
    )
    for step in range(START - 1, WANTED - 1, -1):
        at_zero = math.prod(range(1, 2 * step, 2)) / math.sqrt(2 * math.pi)
        width = (2 * at_zero / (norm * pixels)) ** (1 / (2 * step + 3))
        norm = density.norm(step, max(width, 1.0))
    slope = 3 / (4 * math.sqrt(math.pi))
    return float(max((slope / (pixels * norm)) ** (1 / 7), LEAST))
