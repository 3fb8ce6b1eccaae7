"""Run by ``test_hosts``: an ingest whose client gives up after three seconds without a worker."""

import sys
from pathlib import Path

from engine_moon import LITTLE

from lunarscale.clusters.opening import ClusterChoice, open_cluster
from lunarscale.engine.executors import OnDask
from lunarscale.errors import ClusterError
from lunarscale.steps.ingest import ingest


def main(scheduler: str, tls: str, tiles: str, folder: str) -> None:
    """Print the sentence with which it ends."""
    try:
        with open_cluster(ClusterChoice(scheduler=scheduler, tls=tls)) as cluster:
            out = str(Path(folder) / "mosaic.zarr")
            ingest([tiles], out=out, executor=OnDask(cluster.client, patience_s=3.0), **LITTLE)
    except ClusterError as error:
        print(error)


if __name__ == "__main__":
    main(*sys.argv[1:])
