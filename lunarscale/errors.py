"""Every error lunarscale raises on purpose.

::

    LunarscaleError
    ├── SourceError       a path or URL given as input is not there, or holds nothing usable
    ├── TileError         one tile cannot be read: truncated, foreign, wrong projection or body
    ├── StoreError        a store cannot be used as asked
    │   ├── FormatError       not a lunarscale store, or one of another version or kind
    │   ├── ParametersError   the store was made with other parameters
    │   ├── TornError         a shard's bytes are not what was written
    │   ├── BusyError         another run writes to the store
    │   └── FullError         the disk has no room for what is to be written
    ├── ModelError        a model is unknown, or needs what the mosaic lacks
    ├── StationError      a table of stations is not what it says, or too small for what is asked
    ├── TrainingError     a training cannot run or has failed: an extra is missing, it diverged
    ├── RegionError       a bounding box, grouping or mask does not describe the Moon
    ├── PlanError         the work does not fit the machine
    ├── ClusterError      a Dask cluster cannot be reached or lost its workers
    ├── ServiceError      the service cannot run, or refuses a request
    │   ├── RequestError      the request says something impossible
    │   ├── UnknownError      the service has nothing of that name
    │   ├── AccessError       a token is missing, or is none of this service's
    │   │   └── RightError        the token is good but its role too small
    │   ├── LimitError        more is asked for than the service gives at once
    │   ├── RateError         too many requests in too short a time
    │   ├── ConflictError     what is there already stands against it
    │   └── UnavailableError  it cannot be done just now
    └── IncompleteError   the run ended, but part of its input is missing

Each takes one finished message (so that it pickles): which thing, what was promised, what was
found, what to do.
"""


class LunarscaleError(Exception):
    """Base of all errors that a user can act on; the message is one finished sentence."""

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(message)


class SourceError(LunarscaleError):
    """A path or URL given as input is not there, or holds nothing usable."""


class TileError(LunarscaleError):
    """One tile cannot be read: truncated, foreign, wrong projection or body."""


class StoreError(LunarscaleError):
    """A store cannot be used as asked."""


class FormatError(StoreError):
    """Not a lunarscale store, or one of another version or kind."""


class ParametersError(StoreError):
    """The store was made with other parameters; ``--overwrite`` starts it afresh."""


class TornError(StoreError):
    """A shard's bytes are not what was written."""


class BusyError(StoreError):
    """Another run writes to the store, or has taken it over from this one."""


class FullError(StoreError):
    """The disk has no room for what is to be written; what was there before is still there."""


class ModelError(LunarscaleError):
    """A model is unknown, or needs what the mosaic lacks."""


class StationError(LunarscaleError):
    """A table of stations is not what it says, or is too small for what is asked of it."""


class TrainingError(LunarscaleError):
    """A training cannot run, or has failed; nothing of it is exported."""


class RegionError(LunarscaleError):
    """A bounding box, grouping or mask does not describe a part of the Moon."""


class PlanError(LunarscaleError):
    """The work does not fit the machine; the message says by how much."""


class ClusterError(LunarscaleError):
    """A Dask cluster cannot be reached, or lost its workers."""


class ServiceError(LunarscaleError):
    """The service cannot run, or refuses a request."""


class RequestError(ServiceError):
    """A request says something impossible."""


class UnknownError(ServiceError):
    """The service has nothing of that name."""


class AccessError(ServiceError):
    """A token is missing, or is none of this service's."""


class RightError(AccessError):
    """The token is good, but its role is too small for what is asked."""


class LimitError(ServiceError):
    """More is asked for than the service gives at once; the message has the limit."""


class RateError(ServiceError):
    """Too many requests in too short a time."""

    #: Seconds after which the next one may come.
    retry_after_s = 1


class ConflictError(ServiceError):
    """What is there already, or is going on, stands against it."""


class UnavailableError(ServiceError):
    """It cannot be done just now; it may be later."""

    #: Seconds after which it may be tried again.
    retry_after_s = 5


class IncompleteError(LunarscaleError):
    """The run ended, but part of its input is missing; the message lists what."""

    exit_code = 3
