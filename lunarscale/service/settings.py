"""What a service is started with: where its data lie, who may reach it, and all its bounds."""

import ipaddress
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from lunarscale.clusters.opening import ClusterChoice
from lunarscale.errors import ServiceError


@dataclass(frozen=True)
class Limits:
    """The most that the service gives, takes or keeps.

    Parameters
    ----------
    url_bytes, header_bytes, headers : int
        Path and query of a request, all its headers together, and how many they are.
    body_bytes, upload_bytes : int
        Body of a request, and of one that uploads a file.
    card_bytes, table_bytes, polygon_bytes : int
        An uploaded model's card, table of stations, and GeoJSON.
    upload_vertices : int
        Places of uploaded polygons.
    body_s, answer_s : float
        Seconds in which a request's body must have come, and its answer begun.
    requests_a_minute, requests_at_once : int
        Of one caller: in the long run, and after a pause.
    costly_a_minute : int
        Requests of one caller that take seconds of a core: statistics, downloads, uploads, jobs.
    callers_kept : int
        Callers whose requests are counted.
    connections, connections_each : int
        Open at a time: of all, and of one address where others reach the service.
    region_pixels, download_pixels, csv_pixels, polygon_pixels : int
        Of a window as JSON, of a download, of one as CSV, and of what is read for a polygon.
    downloads, downloads_each : int
        Files that are written or sent at a time, of all callers and of one: each is on the disk.
    polygon_vertices, profile_vertices, profile_samples : int
    tile_cache_bytes : int
        Memory of the tiles that are kept.
    jobs_kept, jobs_waiting, jobs_at_once : int
        Jobs that have ended and are remembered; jobs that were created, wait or run; jobs that run
        at the same time.
    job_pixels, job_rows, job_lines : int
        Pixels of a job's grid, rows of its table, and lines of its log that are kept.
    job_listeners, job_listeners_each : int
        Streams of jobs' events that are open, of all callers and of one.
    uploads_kept, uploads_bytes : int
        Files of one kind, and bytes of all together.
    """

    url_bytes: int = 8_192
    header_bytes: int = 32_768
    headers: int = 100
    body_bytes: int = 2**20
    upload_bytes: int = 64 * 2**20
    card_bytes: int = 100_000
    table_bytes: int = 10_000_000
    polygon_bytes: int = 16 * 2**20
    upload_vertices: int = 250_000
    body_s: float = 60.0
    answer_s: float = 60.0
    requests_a_minute: int = 6_000
    requests_at_once: int = 1_000
    costly_a_minute: int = 120
    callers_kept: int = 10_000
    connections: int = 1_000
    connections_each: int = 200
    region_pixels: int = 250_000
    download_pixels: int = 25_000_000
    csv_pixels: int = 2_500_000
    polygon_pixels: int = 25_000_000
    downloads: int = 32
    downloads_each: int = 8
    polygon_vertices: int = 20_000
    profile_vertices: int = 1_000
    profile_samples: int = 5_000
    tile_cache_bytes: int = 256 * 2**20
    jobs_kept: int = 1_000
    jobs_waiting: int = 100
    jobs_at_once: int = 1
    job_pixels: int = 10**12
    job_rows: int = 200_000
    job_lines: int = 1_000
    job_listeners: int = 200
    job_listeners_each: int = 20
    uploads_kept: int = 100
    uploads_bytes: int = 2**30


def limits_of(words: Sequence[str]) -> Limits:
    """The limits, but for those that are given otherwise.

    Parameters
    ----------
    words : sequence of str
        ``upload_bytes=200000000``.

    Raises
    ------
    ServiceError
        If there is no limit of that name, or the number is none above zero.
    """
    usual = Limits()
    given: dict[str, float] = {}
    for word in words:
        name, _, text = word.partition("=")
        if name not in asdict(usual):
            raise ServiceError(f"--limit {word}: there is no such limit; it is {_NAMES}")
        whole = isinstance(getattr(usual, name), int)
        try:
            given[name] = int(text) if whole else float(text)
        except ValueError:
            given[name] = math.nan
        if not 0 < given[name] < math.inf:
            kind = "a whole number" if whole else "a number"
            raise ServiceError(f"--limit {word}: {kind} above zero is needed; write {name}=1000")
    return replace(usual, **given)  # type: ignore[arg-type]


_NAMES = ", ".join(asdict(Limits()))


@dataclass(frozen=True)
class Settings:
    """What a service is started with.

    Parameters
    ----------
    data_dir : Path
        The one folder whose stores it shows; made absolute.
    host : str
    port : int
        Where it listens.
    tokens : Path or None
        File of tokens (``service.tokens``); None: nobody has one but who started it.
    cluster : ClusterChoice
        Where its jobs run.
    limits : Limits
    private : bool
        Whether reading needs a token too.
    cors : tuple of str
        Origins whose pages may read the answers.
    hosts : tuple of str
        Names by which it may be called beside its own; none where it listens to the world.
    behind_proxy : bool
        Whether a proxy, and nobody else, reaches it: its ``X-Forwarded-For`` is then believed.
    tls_certificate, tls_key : Path or None
        For HTTPS without a proxy.
    """

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 8000
    tokens: Path | None = None
    cluster: ClusterChoice = field(default_factory=ClusterChoice)
    limits: Limits = field(default_factory=Limits)
    private: bool = False
    cors: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    behind_proxy: bool = False
    tls_certificate: Path | None = None
    tls_key: Path | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "data_dir", self.data_dir.absolute())

    @property
    def own_folder(self) -> Path:
        """Where the service keeps what is its own: jobs, uploads."""
        return self.data_dir / ".lunarscale"

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"
