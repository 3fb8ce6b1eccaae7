"""The files that ship: read back as models, against NumPy, the same bits again."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from samples_at_hand import clementine_49, mixed_spectra, run_graph

from lunarscale.flags import EXTRAPOLATED
from lunarscale.models.derived import mg_number
from lunarscale.models.registry import find_model
from lunarscale.training.domain import Domain
from lunarscale.training.intervals import intervals_of
from lunarscale.training.recipes import shipped
from lunarscale.training.shipping import ship, ship_intervals
from lunarscale.training.verdict import Verdict, verdict


@cache
def verdicts() -> tuple[Verdict, ...]:
    # the quickest to judge: their menus have no logarithms
    return tuple(verdict(clementine_49(), oxide) for oxide in ("CaO", "SiO2"))


def made() -> bytes:
    return ship(clementine_49(), verdicts(), name="stations", version="1")


def test_the_same_stations_give_the_same_bytes() -> None:
    assert made() == made()


def test_what_ships_is_what_was_fitted() -> None:
    samples = clementine_49()
    spectra = mixed_spectra(samples, 500)
    found = run_graph(made(), spectra)
    for oxide in ("CaO", "SiO2"):
        fitted = shipped(samples, oxide).fit(samples, oxide, samples.rows(oxide))
        np.testing.assert_allclose(found[oxide], fitted.predict(spectra), atol=2e-4, rtol=0)
    domain = Domain.of(samples, np.arange(49))
    np.testing.assert_allclose(found["distance"], domain.distance(spectra), atol=1e-4, rtol=1e-4)


@pytest.mark.slow
def test_mg_number_is_written_where_its_oxides_are() -> None:
    samples = clementine_49()
    judged = [verdict(samples, oxide) for oxide in ("FeO", "MgO")]
    model = ship(samples, judged, name="stations", version="1", facts={"targets": "soils"})
    found = run_graph(model, mixed_spectra(samples, 200))
    expected = mg_number(found["MgO"], found["FeO"])
    np.testing.assert_allclose(found["Mg_number"], expected, rtol=1e-5)
    assert np.isfinite(found["Mg_number"]).any()


def test_the_file_is_a_model_that_flags_what_is_far(tmp_path: Path) -> None:
    path = tmp_path / "stations.onnx"
    path.write_bytes(made())
    model = find_model(str(path))
    assert [quantity.name for quantity in model.quantities] == ["CaO", "SiO2"]
    near = clementine_49().reflectance[:20].T
    far = near * np.array([1.0, 1.0, 0.7, 0.6, 0.7])[:, None]
    counts = np.round(np.concatenate([near, far], axis=1) / 1.35e-4).astype(np.int16)
    predicted = model.predict(counts, 1.35e-4)
    extrapolated = (predicted.flags & EXTRAPOLATED) != 0
    assert not extrapolated[:, :20].any()
    assert extrapolated[:, 20:].all()


@pytest.mark.parametrize("level", [0.8, 0.9])
def test_intervals_ship_in_a_file_of_their_own(level: float, tmp_path: Path) -> None:
    samples = clementine_49()
    path = tmp_path / "intervals.onnx"
    path.write_bytes(
        ship_intervals(samples, verdicts(), name="intervals", version="1", level=level)
    )
    names = [quantity.name for quantity in find_model(str(path)).quantities]
    assert names == ["CaO_lower", "CaO_upper", "SiO2_lower", "SiO2_upper"]
    spectra = mixed_spectra(samples, 300)
    found = run_graph(path.read_bytes(), spectra)
    ends = intervals_of(shipped(samples, "CaO"), samples, "CaO", level=level).ends(spectra)
    np.testing.assert_allclose(found["CaO_lower"], ends[0], atol=5e-4, rtol=0)
    np.testing.assert_allclose(found["CaO_upper"], ends[1], atol=5e-4, rtol=0)
