"""Stations that tests learn from: the built-in ones, and made ones whose truth is known."""

from functools import cache

import numpy as np
import onnxruntime

from lunarscale.stations import Station, clementine_stations, kaguya_stations
from lunarscale.training.cross_calibration import cross_calibrated_stations
from lunarscale.training.samples import Samples, samples_of

BANDS = (415, 750, 900, 950, 1000)


@cache
def clementine_49() -> Samples:
    """The 47 stations of Clementine and the two estimated ones of Chang'e."""
    return samples_of([*clementine_stations(), *cross_calibrated_stations()], "clementine-uvvis")


@cache
def kaguya_60() -> Samples:
    """The 60 stations of Kaguya MI."""
    return samples_of(kaguya_stations(), "kaguya-mi")


def made_stations(
    sites: int, stations_a_site: int, *, seed: int, site_sd: float = 1.0, station_sd: float = 1.0
) -> list[Station]:
    """Stations whose FeO is a line in the logarithms, plus an effect of the site, plus noise."""
    random = np.random.default_rng(seed)
    made = []
    for site in range(sites):
        effect = random.normal(0.0, site_sd)
        for _ in range(stations_a_site):
            albedo = np.exp(random.normal(np.log(0.15), 0.3))
            shape = np.array([0.62, 1.0, 1.04, 1.05, 1.08]) * np.exp(random.normal(0, 0.03, 5))
            spectrum = np.clip(albedo * shape, 0.01, 0.99)
            value = (
                12.0 - 8.0 * np.log(spectrum[1] / 0.15) + 10.0 * np.log(spectrum[3] / spectrum[1])
            )
            iron = value + effect + random.normal(0.0, station_sd)
            number = len(made) + 1
            made.append(
                Station(
                    number=number,
                    name=f"made {number}",
                    site=f"site {site}",
                    lon=None,
                    lat=None,
                    reflectance=dict(zip(BANDS, spectrum.tolist(), strict=True)),
                    oxides_wt_pct={"FeO": float(iron)},
                )
            )
    return made


def made_samples(sites: int, stations_a_site: int, *, seed: int, **spreads: float) -> Samples:
    """The same as samples."""
    return samples_of(
        made_stations(sites, stations_a_site, seed=seed, **spreads), "clementine-uvvis"
    )


def mixed_spectra(samples: Samples, pixels: int, *, seed: int = 3) -> np.ndarray:
    """Noisy mixtures of stations' spectra, (pixel, band), exact in float32."""
    random = np.random.default_rng(seed)
    one, other = random.integers(0, len(samples), (2, pixels))
    share = random.random((pixels, 1))
    mixed = share * samples.reflectance[one] + (1 - share) * samples.reflectance[other]
    noisy = mixed * random.normal(1.0, 0.02, mixed.shape)
    return noisy.astype(np.float32).astype(np.float64)


def run_graph(model: bytes, reflectance: np.ndarray) -> dict[str, np.ndarray]:
    """A graph's outputs by name, of reflectances (pixel, band)."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    values = session.run(None, {"reflectance": reflectance.T.astype(np.float32)})
    return {output.name: v for output, v in zip(session.get_outputs(), values, strict=True)}
