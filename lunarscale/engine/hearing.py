"""How a cluster's scheduler hears of a run: one message at most every half second, none waited for.

The first one brings the panel along (``engine.panel``), which a scheduler keeps from then on.
"""

import asyncio
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from distributed import Client

from lunarscale.engine.panel import Panel
from lunarscale.engine.telling import News

#: Seconds that the end of a run waits for the scheduler to have heard of it.
FAREWELL_S = 1.0


class OnScheduler:
    """Tells a run to the panel of a scheduler, and hears from it what only a scheduler knows.

    Parameters
    ----------
    client : distributed.Client
    """

    def __init__(self, client: Client) -> None:
        self._client, self._brought = client, False
        self._answer: Future[Mapping[str, Any]] | None = None

    def hear(self, news: News, *, last: bool) -> None:
        """Send it, unless the scheduler still is at the last one.

        Raises
        ------
        Exception
            Whatever the scheduler or the way to it brought up.
        """
        if self._answer is not None and self._answer.done():
            self._learn(news, self._answer.result())
            self._answer = None
        if last and self._client.status != "running":
            return  # a scheduler that is away is not waited for
        if self._answer is None or last:
            loop: Any = self._client.loop
            telling = self._tell(news.as_row())
            self._answer = asyncio.run_coroutine_threadsafe(telling, loop.asyncio_loop)
        if last:
            try:
                self._learn(news, self._answer.result(FAREWELL_S))
            finally:
                self._answer.cancel()

    async def _tell(self, row: dict[str, Any]) -> Mapping[str, Any]:
        if not self._brought:
            brought: Any = self._client.register_plugin(Panel())
            await brought
            self._brought = True
        scheduler: Any = self._client.scheduler
        answer = await scheduler.lunarscale_tell(row=row, who=self._client.id)
        if not isinstance(answer, Mapping) or "retries" not in answer:
            raise RuntimeError(f"the scheduler's panel answered {answer!r}")
        return answer

    @staticmethod
    def _learn(news: News, answer: Mapping[str, Any]) -> None:
        news.retries, news.workers_lost = answer["retries"], answer["workers_lost"]
        news.memory_planned_bytes = answer["memory_planned_bytes"]
        news.memory_peak_bytes = answer["memory_peak_bytes"]
