"""For machines that watch over the service: does it live, is it ready, what has it done."""

from fastapi import APIRouter, Response
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from lunarscale.errors import UnavailableError
from lunarscale.service.depending import Reader, TheHouse
from lunarscale.service.problems import told

router = APIRouter(tags=["service"])


@router.get("/healthz", summary="Does it live")
async def show_health() -> dict[str, str]:
    """It does if this is answered."""
    return {"status": "lives"}


@router.get("/readyz", summary="Is it ready", responses=told(503))
def show_readiness(house: TheHouse) -> dict[str, str]:
    """Whether the folder of the stores can be read. A cluster that is away does not matter here.

    Raises
    ------
    UnavailableError
        If it cannot: the volume is not there, say.
    """
    try:
        next(house.settings.data_dir.iterdir(), None)
    except OSError as error:
        raise UnavailableError(
            f"the folder of the stores cannot be read ({error.strerror}); bring it back"
        ) from error
    return {"status": "ready"}


@router.get("/metrics", summary="Metrics", response_class=Response, responses=told(401))
def show_metrics(house: TheHouse, _: Reader) -> Response:
    """Requests, tiles, jobs and runs in Prometheus' text format; no name of any dataset."""
    return Response(house.metrics.text(), media_type=CONTENT_TYPE_PLAIN_0_0_4)
