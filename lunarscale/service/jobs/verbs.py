"""The table of what a job may be."""

from typing import Any

from lunarscale.service.jobs.exporting import EXPORT
from lunarscale.service.jobs.ingesting import INGEST
from lunarscale.service.jobs.mapping import OVERVIEW, PREDICT
from lunarscale.service.jobs.summing import SUMMARISE
from lunarscale.service.jobs.work import Verb

#: By name, in the order in which people meet them.
VERBS: dict[str, Verb[Any]] = {
    verb.name: verb for verb in (INGEST, PREDICT, OVERVIEW, SUMMARISE, EXPORT)
}
