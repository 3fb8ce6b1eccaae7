"""lunarscale: maps of the Moon's chemistry from orbit.

The rooms, along the datum's way:

- ``lunarscale.grid``: where a pixel is; how large; which group it belongs to.
- ``lunarscale.readers``: archive tiles in.
- ``lunarscale.store``: sharded Zarr cubes, kept and checked.
- ``lunarscale.models``: bands in, oxides out.
- ``lunarscale.reduce``: exact, mergeable statistics.
- ``lunarscale.engine``: a plan, an executor, a ledger.
- ``lunarscale.render``: figures and pages.
- ``lunarscale.steps``: the verbs, one a command.

In Python, ``lunarscale.open_dataset(maps)`` gives an xarray dataset whose ``lunar`` accessor has
the statistics (``lunarscale.accessor``).
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # xarray and Dask come with the first use, not with the import
    if name == "open_dataset":
        return import_module("lunarscale.accessor").open_dataset
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
