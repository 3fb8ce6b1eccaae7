"""Jobs in the API's words."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from lunarscale.service.jobs.exporting import ExportParameters
from lunarscale.service.jobs.ingesting import IngestParameters
from lunarscale.service.jobs.lifecycle import Job, Status
from lunarscale.service.jobs.mapping import OverviewParameters, PredictParameters
from lunarscale.service.jobs.parameters import Parameters
from lunarscale.service.jobs.records import Asset, Line
from lunarscale.service.jobs.summing import SummariseParameters

Title = Annotated[str, Field(max_length=200, description="For people.")]


class _NewJob(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: Title = ""

    @property
    def asked(self) -> Parameters:
        """What the verb is told."""
        found: Parameters = self.parameters  # type: ignore[attr-defined]
        return found


class NewPredict(_NewJob):
    """Maps of a mosaic's pixels."""

    verb: Literal["predict"]
    parameters: PredictParameters


class NewOverview(_NewJob):
    """The coarser levels of maps."""

    verb: Literal["overview"]
    parameters: OverviewParameters


class NewSummarise(_NewJob):
    """Statistics of maps by groups of places."""

    verb: Literal["summarise"]
    parameters: SummariseParameters


class NewExport(_NewJob):
    """One layer of maps as a GeoTIFF."""

    verb: Literal["export"]
    parameters: ExportParameters


class NewIngest(_NewJob):
    """A mosaic of archive tiles."""

    verb: Literal["ingest"]
    parameters: IngestParameters


NewJob = Annotated[
    NewPredict | NewOverview | NewSummarise | NewExport | NewIngest, Field(discriminator="verb")
]


class JobChange(BaseModel):
    """What is to be changed of a job; what is absent stays."""

    model_config = ConfigDict(extra="forbid")

    title: Title | None = None
    parameters: dict[str, Any] | None = Field(
        None, description="All of them; only of a job that was never started."
    )


class JobFacts(BaseModel):
    """A job."""

    id: str
    title: str
    verb: str = Field(examples=["predict"])
    parameters: dict[str, Any]
    status: Status
    owner: str = Field(description="Name of the token that it was made with.")
    dataset: str | None = Field(description="The dataset that it writes to.")
    created: str = Field(description="UTC, ISO 8601.")
    updated: str
    started: str | None
    finished: str | None
    done: int = Field(description="Shards of the present step that are done.")
    todo: int = Field(description="Shards of the present step.")
    mpx_s: float = Field(description="Megapixels a second since the step began.")
    message: str = Field(description="What it waits for or does, or why it ended.")
    revision: int = Field(description="Raised by every change; the id of its events.")


class JobList(BaseModel):
    """Jobs, the newest first."""

    jobs: list[JobFacts]


class LogLine(BaseModel):
    """A line of a job's log."""

    id: str = Field(description="Counts from 1.")
    level: Literal["debug", "info", "warning", "error"]
    message: str
    time: str = Field(description="UTC, ISO 8601.")


class LogList(BaseModel):
    """Lines of a job's log, the oldest first."""

    logs: list[LogLine]


class AssetFacts(BaseModel):
    """A file that a job made."""

    href: str
    title: str
    type: str = Field(description="Media type.")
    bytes: int
    sha256: str


class JobResults(BaseModel):
    """What a job made."""

    id: str
    dataset: str | None = Field(description="The dataset that it wrote; /api/datasets shows it.")
    assets: dict[str, AssetFacts] = Field(description="Files to fetch, by name.")


class VerbFacts(BaseModel):
    """Something that a job can be."""

    name: str
    title: str
    parameters: dict[str, Any] = Field(description="JSON Schema of what it is told.")


class VerbList(BaseModel):
    """What a job can be, and the folders of tiles that `ingest` may name."""

    verbs: list[VerbFacts]
    tiles: list[str] = Field(description="Folders beside the datasets.")


def facts_of(job: Job, message: str) -> JobFacts:
    """A job in the API's words."""
    return JobFacts(
        id=job.id,
        title=job.title,
        verb=job.verb,
        parameters=job.parameters,
        status=job.status,
        owner=job.owner,
        dataset=job.output,
        created=job.created,
        updated=job.updated,
        started=job.started,
        finished=job.finished,
        done=job.done,
        todo=job.todo,
        mpx_s=job.mpx_s,
        message=message,
        revision=job.revision,
    )


def line_of(line: Line) -> LogLine:
    """A line in the API's words."""
    return LogLine.model_validate(
        {"id": str(line.id), "level": line.level.word, "message": line.message, "time": line.time}
    )


def results_of(job: Job, assets: list[Asset]) -> JobResults:
    """What a job made, in the API's words."""
    return JobResults(
        id=job.id,
        dataset=job.output,
        assets={
            asset.name: AssetFacts(
                href=f"/api/jobs/{job.id}/results/{asset.name}",
                title=asset.title,
                type=asset.type,
                bytes=asset.bytes,
                sha256=asset.sha256,
            )
            for asset in assets
        },
    )
