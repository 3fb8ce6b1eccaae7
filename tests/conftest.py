"""What all tests share: the folder of real archive data, where there is one."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from distributed import Client

# a test that shares the machine may have to wait: what is slow is not wrong
settings.register_profile("in company", settings.default, deadline=None)
settings.load_profile("in company")

#: Processes that share the tests of the whole suite: one more than two cores, for many tests wait
#: for a cluster or a clock. Each may have a cluster of two workers; 7 GB in all were measured.
PROCESSES = 3


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Run the whole suite in processes; files that are named, in this one, which begins sooner.

    What is timed or looked at in a debugger has this one to itself too.
    """
    is_whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    is_one_of_them = hasattr(config, "workerinput")
    if not is_whole or is_one_of_them or not config.pluginmanager.hasplugin("xdist"):
        return
    option = config.option
    is_watched = option.usepdb or config.getoption("benchmark_enable", False)
    if option.numprocesses is None and option.dist == "no" and not is_watched:
        option.numprocesses, option.dist = PROCESSES, "loadfile"
        option.loadscopereorder = False  # a long file of few tests would come last
        option.maxworkerrestart = "0"  # a test that hangs ends the run, and is not begun again


#: Marks of tests that take long.
LONG = ("cluster", "slow", "s3", "browser")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that have long tests, each file whole.

    A process takes its next file before the last two tests of this one have run. So a long test
    at the end would hold up whatever waits behind it while the other process has nothing to do.
    """
    long = {item.path for item in items if any(map(item.get_closest_marker, LONG))}
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture
def hears_ctrl_c() -> Callable[[], None]:
    """For ``preexec_fn``: a shell starts what runs in the background deaf to Ctrl-C."""

    def hear() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    return hear


@pytest.fixture(scope="session")
def test_data() -> Callable[[str], Path]:
    """A function from a relative name to a real data file; skips where there is none."""

    def find(relative: str) -> Path:
        root = os.environ.get("LUNARSCALE_TEST_DATA")
        if not root:
            pytest.skip("LUNARSCALE_TEST_DATA is not set: no real archive files to test with")
        path = Path(root) / relative
        if not path.exists():
            pytest.skip(f"no {relative} under LUNARSCALE_TEST_DATA ({root})")
        return path

    return find


@pytest.fixture(scope="session")
def cluster_of_two() -> "Iterator[str]":
    """The address of a scheduler with two worker processes of one thread, as users' are made.

    Starting workers and compiling their kernels takes longer than most tests, so all share them.
    """
    from lunarscale.clusters.opening import ClusterChoice, open_cluster

    with (
        pytest.MonkeyPatch.context() as patch,
        open_cluster(ClusterChoice(workers=2)) as cluster,
    ):
        # a scheduler that shares the machine hears of a run's end in its own time
        patch.setattr("lunarscale.engine.hearing.FAREWELL_S", 60.0)
        yield cluster.client.scheduler.address


@pytest.fixture(scope="module")
def two_workers(cluster_of_two: str) -> "Iterator[Client]":
    """A client of its own of the two workers that all tests share; one that was lost is back."""
    from distributed import Client

    with Client(cluster_of_two, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=300)
        yield client
