"""What jobs are told, in types: names, words and numbers with their bounds."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

DatasetName = Annotated[
    str,
    Field(
        max_length=128,
        description="A dataset's name, as /api/datasets lists it.",
        examples=["mosaic.zarr"],
    ),
]

OutputName = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$",
        description="What the new dataset will be called: letters, digits, _ . and -, at most 63.",
        examples=["new-maps.zarr"],
    ),
]

UploadName = Annotated[
    str, Field(max_length=64, description="An upload's name, as /api/uploads lists it.")
]

_Lon = Annotated[float, Field(ge=-360, le=360, allow_inf_nan=False)]
_Lat = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]

Box = Annotated[
    tuple[_Lon, _Lat, _Lon, _Lat],
    Field(
        description="West, south, east, north in degrees, snapped outward to pixels; west > east "
        "crosses the seam at 180.",
        examples=[[-30.0, -10.0, 30.0, 10.0]],
    ),
]

_NUMBER = r"[0-9]{1,9}(\.[0-9]{1,6})?"

Word = Annotated[
    str,
    Field(
        pattern=rf"^(moon|maria|seas|hemispheres|spa|latitude:{_NUMBER}|cells:{_NUMBER})$",
        description="moon, maria, seas, hemispheres, spa, latitude:STEP in degrees, or cells:AREA "
        "in km2.",
        examples=["maria"],
    ),
]

Words = Annotated[tuple[Word, ...], Field(max_length=8)]
Polygons = Annotated[
    tuple[UploadName, ...],
    Field(max_length=4, description="Uploaded polygons: each region is a group."),
]


class Parameters(BaseModel):
    """What a job is told; anything else is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)
