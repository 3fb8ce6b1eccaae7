"""The notebooks run from top to bottom, and what they tell is so."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbformat import NotebookNode, v4

from lunarscale.simulated.surface import simulated_truth
from lunarscale.stations import clementine_stations

FOLDER = Path(__file__).parents[2] / "notebooks"

NOTEBOOKS = (
    "01_from_tiles_to_maps",
    "02_calibration_and_change_6",
    "03_statistics_and_figures",
    "04_cluster_and_dashboard",
    "05_bring_your_own_model",
)

EXECUTING = Path(__file__).with_name("executing.py")

#: Seconds that one cell may take, also on a machine that has other work.
CELL_S = 120

#: What libraries leave among temporary files: ONNX Runtime a mark of its session.
NOT_OURS = (".ses",)


@dataclass(frozen=True)
class Executed:
    """A notebook that has run.

    Parameters
    ----------
    book : NotebookNode
    told : dict
        What was asked of its kernel at the end, by name.
    left : list of str
        Files in its folder and in the folder for temporary files.
    """

    book: NotebookNode
    told: dict[str, Any]
    left: list[str]

    @property
    def pictures(self) -> int:
        """Pictures that it shows."""
        return sum("image/png" in each.get("data", {}) for each in self.outputs)

    @property
    def outputs(self) -> list[NotebookNode]:
        """What its cells gave."""
        return [each for cell in self.book.cells for each in cell.get("outputs", [])]


def read(name: str) -> NotebookNode:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


@pytest.fixture
def execute(tmp_path: Path) -> Callable[..., Executed]:
    """Runs a notebook by this Python in a folder of its own, and asks its kernel for values."""

    def run(name: str, **asked: str) -> Executed:
        here, temporary = tmp_path / "here", tmp_path / "temporary"
        here.mkdir()
        temporary.mkdir()
        book = read(name)
        items = ", ".join(f"{key!r}: {value}" for key, value in asked.items())
        answer = tmp_path / "answer.json"
        ask = f"import json\nfrom pathlib import Path\nanswer = Path({str(answer)!r})\n"
        book.cells.append(v4.new_code_cell(ask + f"answer.write_text(json.dumps({{{items}}}))"))
        environment = {
            **os.environ,
            "DASK_TEMPORARY_DIRECTORY": str(tmp_path / "dask"),
            "IPYTHONDIR": str(tmp_path / "ipython"),
            "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
            "OMP_NUM_THREADS": "1",
            "TMPDIR": str(temporary),
        }
        file = tmp_path / "book.ipynb"
        nbformat.write(book, file)
        kernels = _this_python(tmp_path / "kernels")
        command = [sys.executable, EXECUTING, file, here, kernels, str(CELL_S)]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stderr[-4000:]
        book = nbformat.read(file, as_version=4)
        told = json.loads(answer.read_text())
        book.cells.pop()
        found = [path for folder in (here, temporary) for path in folder.rglob("*")]
        left = [path.name for path in found if path.is_file() and path.name not in NOT_OURS]
        return Executed(book, told, left)

    return run


def _this_python(folder: Path) -> Path:
    """A folder with one kernel: the Python that runs the tests, whatever is installed."""
    spec = folder / "these-tests"
    spec.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    said = {"argv": argv, "display_name": "These tests", "language": "python"}
    (spec / "kernel.json").write_text(json.dumps(said))
    return folder


def require_clean(story: Executed, *, pictures: int) -> None:
    """Pictures are there; nothing was warned of, and nothing is left lying about."""
    assert story.pictures == pictures
    assert [each.text for each in story.outputs if each.get("name") == "stderr"] == []
    assert story.left == []


def test_every_notebook_is_listed_and_tested() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == sorted(NOTEBOOKS)
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(f"({name}.ipynb)" in readme for name in NOTEBOOKS)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_kept_without_outputs(name: str) -> None:
    text = (FOLDER / f"{name}.ipynb").read_text(encoding="utf-8")
    book = nbformat.reads(text, as_version=4)
    nbformat.validate(book)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert [cell.id for cell in book.cells] == [
        f"story-{name[:2]}-{place:02d}" for place in range(1, len(book.cells) + 1)
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    assert book.metadata == {"kernelspec": kernel, "language_info": {"name": "python"}}
    assert "simulated" in text.lower() or name.startswith("02")


@pytest.mark.slow
def test_from_tiles_to_maps(execute: Callable[..., Executed]) -> None:
    story = execute(
        "01_from_tiles_to_maps",
        mean="feo_mean", truth="feo_truth", bias="bias", rmse="rmse", values="feo.values.tolist()",
    )  # fmt: skip
    require_clean(story, pictures=4)
    told = story.told
    lats = 50.0 - (np.arange(360) + 0.5) / 6
    lons = -60.0 + (np.arange(360) + 0.5) / 6
    values = np.array(told["values"])
    weights = np.cos(np.radians(lats))[:, None] * np.isfinite(values)
    assert told["mean"] == pytest.approx(np.nansum(values * weights) / weights.sum(), abs=1e-3)
    known = simulated_truth(lons[None], lats[:, None], detail_deg=50 / 303.23349).FeO
    assert told["truth"] == pytest.approx((known * weights).sum() / weights.sum(), abs=1e-3)
    assert told["bias"] == pytest.approx(told["mean"] - told["truth"], abs=1e-3)
    assert abs(told["bias"]) < 1.0
    assert told["rmse"] < 2.0


@pytest.mark.slow
def test_calibration(execute: Callable[..., Executed]) -> None:
    story = execute(
        "02_calibration_and_change_6",
        r2="ours.r2",
        found="{f.equation.quantity.name: [*f.search.coefficients, f.search.r2]"
        " for f in found.fits}",
        points="[[s.reflectance[750], s.reflectance[950], s.oxides_wt_pct['FeO']]"
        " for s in found.table.stations]",
    )  # fmt: skip
    require_clean(story, pictures=2)
    soils = clementine_stations()
    r750, r950 = (np.array([s.reflectance[w] for s in soils]) for w in (750, 950))
    iron = np.array([s.oxides_wt_pct["FeO"] for s in soils])
    # Qiu, Yan & Liu 2025, eqs 1-2
    predicted = -24.77 * np.arctan((r950 / r750 - 1.188) / (r750 - 0.018)) - 8.053
    assert story.told["r2"] == pytest.approx(_r2(iron, predicted), abs=1e-9)
    x0, y0, a, b, r2 = story.told["found"]["FeO"]
    r750, r950, iron = np.array(story.told["points"]).T
    angle = -np.arctan((r950 / r750 - y0) / (r750 - x0))
    assert len(iron) == 49
    assert (a, b) == pytest.approx(np.polyfit(angle, iron, 1), rel=1e-3)
    assert r2 == pytest.approx(_r2(iron, a * angle + b), abs=1e-5)
    # the paper's titanium: R2 0.798 on 49 stations
    assert story.told["found"]["TiO2"][-1] == pytest.approx(0.798, abs=0.001)


@pytest.mark.slow
def test_statistics(execute: Callable[..., Executed]) -> None:
    story = execute(
        "03_statistics_and_figures",
        mean="feo_mean", cells="feo_cells", truth="feo_truth",
        area="float(iron.loc[('moon', 'Moon'), 'area_km2'])",
        values="feo.values.tolist()",
    )  # fmt: skip
    require_clean(story, pictures=2)
    told = story.told
    values = np.array(told["values"])
    edges = np.sin(np.radians(90.0 - np.arange(361) / 2))
    weights = (edges[:-1] - edges[1:])[:, None] * np.isfinite(values)
    assert told["mean"] == pytest.approx(np.nansum(values * weights) / weights.sum(), abs=1e-6)
    assert told["area"] == pytest.approx(4 * np.pi * 1737.4**2, rel=1e-6)
    # 15,000 cells of a deviation of 3.9 wt %: three standard errors
    assert told["cells"] == pytest.approx(told["mean"], abs=0.1)
    assert told["truth"] == pytest.approx(told["mean"], abs=0.5)


@pytest.mark.slow
@pytest.mark.cluster
def test_cluster(execute: Callable[..., Executed]) -> None:
    story = execute(
        "04_cluster_and_dashboard",
        same="same", shards="len(prepared.jobs)", done="tale.done", rate="rate",
        again="len(again.jobs)", address="cluster.dashboard", status="cluster.client.status",
    )  # fmt: skip
    require_clean(story, pictures=1)
    told = story.told
    assert told["same"] is True
    # 40 degrees of 12 pixels in shards of 64, on a grid whose shards begin at its corner
    assert told["shards"] == told["done"] == 64
    assert told["again"] == 0
    assert told["rate"] > 0
    assert told["address"].startswith("http://127.0.0.1:")
    assert told["status"] == "closed"


@pytest.mark.slow
def test_own_model(execute: Callable[..., Executed]) -> None:
    story = execute(
        "05_bring_your_own_model",
        furthest="furthest", kept="np.isfinite(kept).sum().item()",
        weights="[p.detach().numpy().tolist() for p in net.parameters()]",
        scaling="[mean.tolist(), sd.tolist()]",
        fitted="fitted.tolist()", seen="float(r2(y, fitted))", unseen="float(r2(y, held_out))",
    )  # fmt: skip
    require_clean(story, pictures=3)
    told = story.told
    assert told["kept"] > 200
    # half a step of 0.005 wt %, and what float32 rounds
    assert told["furthest"] < 0.003
    soils = clementine_stations()
    bands = np.array([list(s.reflectance.values()) for s in soils])
    iron = np.array([s.oxides_wt_pct["FeO"] for s in soils])
    middle, spread = map(np.array, told["scaling"])
    w1, b1, w2, b2 = map(np.array, told["weights"])
    hidden = np.tanh((bands - middle) / spread @ w1.T + b1)
    predicted = 10 * (hidden @ w2.T + b2)[:, 0] + 10
    assert told["fitted"] == pytest.approx(predicted, abs=1e-3)
    assert told["seen"] == pytest.approx(_r2(iron, predicted), abs=1e-4)
    assert told["unseen"] < told["seen"]


def _r2(measured: np.ndarray, predicted: np.ndarray) -> float:
    return float(
        1 - ((measured - predicted) ** 2).sum() / ((measured - measured.mean()) ** 2).sum()
    )
