"""Maps as xarray objects: ``ds.lunar`` has the statistics, lazily where xarray is lazy.

>>> import lunarscale
>>> maps = lunarscale.open_dataset("maps.zarr")
>>> maps.lunar.summarise(by="moon,maria,latitude:5").to_frame()
"""

from lunarscale.accessor.dataset import Lunar, open_dataset

__all__ = ["Lunar", "open_dataset"]
