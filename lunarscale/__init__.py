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
"""

__version__ = "0.1.0"
