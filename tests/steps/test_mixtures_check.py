"""Models on mixed stations: a model that is exact there maps the truth, others as they are."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from lunarscale.bands import CAMERAS
from lunarscale.errors import ModelError, StationError
from lunarscale.flags import NO_DATA, MapReason
from lunarscale.models.equations import QIU_2025_FEO
from lunarscale.models.model import Prediction
from lunarscale.quantities import QUANTITIES
from lunarscale.reduce.agreement import agreement
from lunarscale.simulated.mixtures import MixturesMoon
from lunarscale.stations import Station
from lunarscale.steps import mixtures as check_step
from lunarscale.steps import predict as predict_step
from lunarscale.steps.mixtures import check_on_mixtures, check_table, compare, held_out_stations
from lunarscale.steps.opening import open_maps

#: A mare soil rich in titanium, one poor in it, highlands, and the massif between.
STATIONS = held_out_stations([1, 5, 14, 26])
MOON = MixturesMoon(STATIONS)
BANDS = (415, 750, 900, 950, 1000)


class Affine:
    """The affine law of the reflectances that is exact at the stations, and so on all mixtures."""

    name = digest = "affine"
    mare_only = False
    formula, source = "c + k · R", "made for this test"
    quantities = tuple(QUANTITIES[name] for name in ("FeO", "FeO_lower", "FeO_upper", "MgO"))
    remarks = ("",) * 4
    #: Ends of the interval about FeO, wt %.
    reach = (-0.2, 0.1)

    def __init__(
        self,
        stations: tuple[Station, ...] = STATIONS,
        camera: str = "clementine-uvvis",
        bands_nm: tuple[int, ...] = BANDS,
    ) -> None:
        self.camera, self.bands_nm = camera, bands_nm
        spectra = np.array([[1.0, *(s.reflectance[w] for w in bands_nm)] for s in stations])
        soils = np.array([[s.oxides_wt_pct[o] for o in ("FeO", "MgO")] for s in stations])
        self.law = np.linalg.lstsq(spectra, soils, rcond=None)[0]
        np.testing.assert_allclose(spectra @ self.law, soils, atol=1e-9)

    def predict(
        self, counts: np.ndarray, scale: float, *, out: Prediction | None = None
    ) -> Prediction:
        """FeO with an interval, and MgO."""
        pixels = counts.shape[1]
        found = out or Prediction.empty(4, pixels)
        feo, mgo = self.law[0][:, None] + self.law[1:].T @ (counts * scale)
        lower, upper = feo + self.reach[0], feo + self.reach[1]
        found.values[:4, :pixels] = np.stack([feo, lower, upper, mgo])
        missing = (counts == NO_DATA).any(axis=0)
        found.flags[:4, :pixels] = np.where(missing, int(MapReason.NO_INPUT), 0)
        return found


def test_an_exact_model_maps_the_truth_the_whole_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tiles, ingest, predict: what is left is the counts' rounding and the half pixel moved."""
    monkeypatch.setattr(predict_step, "find_models", lambda name: {"affine": (Affine(),)}[name])
    check = check_on_mixtures("affine", STATIONS, out=str(tmp_path), noise=0.0, ppd=2.0)
    assert list(check.scores) == ["FeO", "MgO"]
    for _layer, scored in check.scores.values():
        assert scored.pixels == 720 * 360
        assert scored.without_value == 0.0
        assert scored.r2 > 0.985
        assert abs(scored.bias) < 0.02
    covered = check.scores["FeO"][1].coverage
    assert covered is not None
    cube = open_maps(str(tmp_path / "maps.zarr"), None)
    lons, lats = cube.grid.lons()[None, :], cube.grid.lats()[:, None]
    truth = check.moon.truth(lons, lats)["FeO"]
    # a lower end 0.2 below and an upper end 0.1 above hold the truth where the error is less
    error = cube.read("FeO", cube.grid.window) * 0.005 - truth
    inside = (error <= 0.2) & (error >= -0.1)
    weights = np.broadcast_to(cube.grid.pixel_areas_m2()[:, None], truth.shape)
    assert covered == pytest.approx(weights[inside].sum() / weights.sum(), abs=0.02)
    at = cube.read("FeO", cube.grid.window) * 0.005
    assert check.scores["FeO"][1] == agreement(
        truth, at, areas=cube.grid.pixel_areas_m2(),
        interval=tuple(
            cube.read(name, cube.grid.window) * 0.005 for name in ("FeO_lower", "FeO_upper")
        ),
    )  # fmt: skip


@pytest.fixture(scope="module")
def by_equations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a check of the equations, which were fitted to these very stations."""
    folder = tmp_path_factory.mktemp("equations")
    models = ["qiu-2025-feo", "qiu-2025-tio2", "qiu-2025-omat"]
    check_on_mixtures(models, STATIONS, out=str(folder), held_out=False, ppd=1.0)
    return folder


def test_an_equation_is_judged_as_by_float64(by_equations: Path) -> None:
    """The equation in float64 on the noise-free reflectances agrees with the truth as well."""
    lines = (by_equations / "mixtures.csv").read_text().splitlines()
    rows = {row["layer"]: row for row in csv.DictReader(lines)}
    assert list(rows) == ["FeO", "TiO2"]  # of maturity there is no truth
    check = compare(str(by_equations / "maps.zarr"), MOON, out=str(by_equations))
    assert f"{check.scores['FeO'][1].rmse!r}" == rows["FeO"]["rmse"]
    grid = open_maps(str(by_equations / "maps.zarr"), None).grid
    place = grid.lons()[None, :], grid.lats()[:, None]
    spectra = MOON.reflectance(*place)
    exact = QIU_2025_FEO.exact(dict(zip(BANDS, spectra, strict=True)))
    ideal = agreement(MOON.truth(*place)["FeO"], exact, areas=grid.pixel_areas_m2())
    found = check.scores["FeO"][1]
    assert found.bias == pytest.approx(ideal.bias, abs=0.02)
    assert ideal.rmse < found.rmse < ideal.rmse + 0.5  # noise makes it worse


def test_what_is_written_says_what_it_is(by_equations: Path) -> None:
    facts = json.loads((by_equations / "mixtures.json").read_text())
    assert facts["simulated"] is True
    assert facts["held_out"] in (True, False)
    assert [s["number"] for s in facts["stations"]] == [1, 5, 14, 26]
    assert facts["relative_noise"] == 0.005
    assert (by_equations / "mixtures.png").stat().st_size > 50_000
    assert open_maps(str(by_equations / "maps.zarr"), None).layout.simulated


def test_the_title_says_whether_the_stations_were_held_out(by_equations: Path) -> None:
    maps = str(by_equations / "maps.zarr")
    for held_out, words in ((True, "4 held-out stations"), (False, "4 stations that the models")):
        check = compare(maps, MOON, out=str(by_equations), held_out=held_out)
        assert words in str(check_table(check).title)
        assert json.loads(check.facts.read_text())["held_out"] is held_out


def test_kaguya_tiles_go_the_same_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An affine model of three points is exact on their mixtures, with a band that is missing."""
    points = held_out_stations([1, 24, 40], "kaguya-mi")
    model = Affine(points, "kaguya-mi", (749, 950))
    monkeypatch.setattr(predict_step, "find_models", lambda name: (model,))
    monkeypatch.setattr(check_step, "KAGUYA_BOX", (-3.0, -2.0, 3.0, 2.0))
    check = check_on_mixtures(
        "affine", points, out=str(tmp_path), noise=0.0, camera=CAMERAS["kaguya-mi"]
    )
    scored = check.scores["FeO"][1]
    assert scored.pixels == 96 * 64
    assert scored.r2 > 0.98


def test_models_of_what_is_not_known_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"composition is known for FeO, .* the models give OMAT"):
        check_on_mixtures("qiu-2025-omat", STATIONS, out=str(tmp_path), ppd=0.5)


@pytest.mark.parametrize("numbers", [[1, 99], [1, 1]])
def test_stations_that_are_not_there_or_named_twice_are_refused(numbers: list[int]) -> None:
    with pytest.raises(StationError, match="or it is named twice"):
        held_out_stations(numbers)
