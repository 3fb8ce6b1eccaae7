"""What of a job's dataset goes with the job: what it made and never finished, and no other."""

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jobs_at_hand import MODELS, OVERVIEW, PREDICT, Caller, Gate, objects
from service_at_hand import Tokens

from lunarscale.engine.mapping import MapTask
from lunarscale.engine.record import RunRecord
from lunarscale.errors import ConflictError, StoreError
from lunarscale.service.jobs import owning, runner, watch
from lunarscale.steps.predict import predict
from lunarscale.store.cube import Cube
from lunarscale.store.location import Location

#: Four shards of one layer, without levels.
SMALL = {
    "verb": "predict",
    "parameters": {
        "dataset": "mosaic.zarr", "output": "", "models": MODELS[:1], "levels": False,
        "bbox": [-180, 0, 180, 90],
    },
}  # fmt: skip

Failed = Callable[[], str]


@pytest.fixture
def failed(caller: Caller, new: str, monkeypatch: pytest.MonkeyPatch) -> Failed:
    """Makes a job that ends in an error when it has made some of its dataset's shards."""

    def run() -> str:
        id = caller.make(SMALL, output=new)
        make, left = MapTask._make, [True]

        def once(task: MapTask, *what: Any) -> Any:
            if left and left.pop():
                raise StoreError("this shard is not to be had")
            return make(task, *what)

        with monkeypatch.context() as patch:
            patch.setattr(MapTask, "_make", once)
            caller.start(id)
            assert caller.ended(id)["status"] == "error"
        return id

    return run


@pytest.fixture
def admin(caller: Caller, tokens: Tokens) -> Caller:
    return Caller(caller.client, tokens.header("admin"))


def delete(caller: Caller, id: str, **query: str) -> None:
    """Delete a job, which succeeds."""
    answer = caller.ask("DELETE", f"/{id}", params=query)
    assert answer.status_code == 204, answer.text
    assert caller.ask("GET", f"/{id}").status_code == 404


def shown(caller: Caller, name: str) -> int:
    """The status with which a dataset is shown."""
    return int(caller.client.get(f"/api/datasets/{name}").status_code)


def test_a_canceled_jobs_dataset_goes_with_it_and_the_name_is_free(
    caller: Caller, jobs_folder: Path, new: str, undisturbed: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(watch, "TELL_S", 0.0)  # a cancel is heard of after each shard
    gate = Gate(3).shut(monkeypatch)
    id = caller.make(output=new)
    caller.start(id)
    gate.wait()
    assert "cancel it" in caller.detail("DELETE", f"/{id}", 409)  # it runs
    caller.cancel(id)
    with monkeypatch.context() as patch:
        patch.setattr(runner, "LET_GO_S", 0.01)
        assert "still at its last shard" in caller.detail("DELETE", f"/{id}", 409)
    assert shown(caller, new) == 200
    gate.opened.set()
    delete(caller, id)
    assert shown(caller, new) == 404
    left = [path for path in (jobs_folder / new).rglob("*") if path.is_file()]
    assert {path.parent for path in left} == {jobs_folder / new / "ledger" / "lock"}
    caller.run(PREDICT, output=new)
    assert objects(jobs_folder / new) == undisturbed


def test_a_failed_jobs_dataset_goes_with_it_or_is_kept(
    caller: Caller, failed: Failed, new: str
) -> None:
    delete(caller, failed())
    assert shown(caller, new) == 404
    delete(caller, failed(), dataset="keep")
    assert shown(caller, new) == 200
    # another job goes on with it but did not make it
    other = failed()
    delete(caller, other)
    assert shown(caller, new) == 200
    id = caller.run(SMALL, output=new)["id"]
    delete(caller, id)
    assert shown(caller, new) == 200  # it is finished


def test_one_that_another_job_or_run_needs_stays(
    caller: Caller, jobs_folder: Path, failed: Failed, new: str
) -> None:
    first, second = failed(), failed()
    told = caller.detail("DELETE", f"/{first}", 409)
    assert f"the dataset {new} goes with the job {first} but another job reads or writes" in told
    assert caller.show(first)["status"] == "error"
    delete(caller, second)
    with RunRecord("predict", {}, []).lock(Location(str(jobs_folder / new))):
        assert "one run at a time writes to a store" in caller.detail("DELETE", f"/{first}", 409)
    assert shown(caller, new) == 200
    delete(caller, first)
    assert shown(caller, new) == 404


def test_a_finished_one_goes_where_an_admin_asks_for_it(
    caller: Caller, admin: Caller, new: str
) -> None:
    id = caller.run(SMALL, output=new)["id"]
    asked = {"params": {"dataset": "any"}}
    assert "needs the role admin" in caller.detail("DELETE", f"/{id}", 403, **asked)
    assert "dataset" in caller.detail("DELETE", f"/{id}", 422, params={"dataset": "all"})
    assert shown(caller, new) == 200
    delete(admin, id, dataset="any")
    assert shown(caller, new) == 404
    levels = caller.run(OVERVIEW)["id"]
    told = admin.detail("DELETE", f"/{levels}", 409, **asked)
    assert f"the dataset maps.zarr was not made by the job {levels}" in told
    assert shown(caller, "maps.zarr") == 200
    delete(admin, levels)


def test_a_store_of_another_number_is_not_the_jobs(
    caller: Caller, jobs_folder: Path, failed: Failed, new: str
) -> None:
    id, store = failed(), Location(str(jobs_folder / new))
    Cube.remove(store)
    mosaic = str(jobs_folder / "mosaic.zarr")
    predict(mosaic, out=store.url, models=MODELS[:1], bbox=(-180, 0, 180, 90))
    next(iter((jobs_folder / new / "ledger").glob("r*.json"))).unlink()  # not finished any more
    delete(caller, id)
    assert shown(caller, new) == 200


def test_a_link_is_followed_neither_to_write_nor_to_remove(
    caller: Caller, jobs_folder: Path, failed: Failed, new: str, tmp_path: Path
) -> None:
    id, place = failed(), jobs_folder / new
    place.rename(tmp_path / "elsewhere")
    place.symlink_to(tmp_path / "elsewhere")
    body = {**SMALL, "parameters": {**PREDICT["parameters"], "output": new}}
    assert "no dataset is called" in caller.detail("POST", "", 409, json=body)
    delete(caller, id)
    assert (tmp_path / "elsewhere" / "zarr.json").exists()
    place.unlink()


def test_a_removal_that_was_killed_is_gone_on_with(
    caller: Caller, jobs_folder: Path, failed: Failed, new: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    id, store = failed(), Location(str(jobs_folder / new))
    with monkeypatch.context() as patch:
        patch.setattr(Location, "remove_tree", _killed)
        with pytest.raises(KeyboardInterrupt):
            Cube.remove(store)
    assert Cube.is_being_removed(store)
    delete(caller, id)
    assert not (jobs_folder / new / "FeO").exists()
    caller.run(SMALL, output=new)


def _killed(self: Location, folder: str) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("times", [3, owning.TRIES])
def test_a_late_workers_files_are_waited_for(
    monkeypatch: pytest.MonkeyPatch, times: int, tmp_path: Path
) -> None:
    left = [OSError(errno.ENOTEMPTY, "Directory not empty")] * times
    monkeypatch.setattr(Cube, "remove", lambda place: _raise(left.pop()) if left else None)
    store = Location(str(tmp_path / "new.zarr"))
    if times == owning.TRIES:
        with pytest.raises(ConflictError, match="a worker of the job still writes there"):
            owning._clear(store)
    else:
        owning._clear(store)
    assert not left


def _raise(error: OSError) -> None:
    raise error
