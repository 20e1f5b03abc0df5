"""One load for all who ask at the same time; whoever fails or gives up leaves nobody waiting."""

from __future__ import annotations

import asyncio

import pytest

from trunkline.services.log.loading import Loading


class Source:
    """Something to load, when the test says so."""

    def __init__(self) -> None:
        self.begun = 0
        self.loaded = 0
        self.failure: Exception | None = None
        self.may_end = asyncio.Event()

    async def load(self) -> None:
        self.begun += 1
        await self.may_end.wait()
        if self.failure is not None:
            raise self.failure
        self.loaded += 1


async def begun(source: Source, count: int) -> None:
    """Wait until that many loads have begun."""
    async with asyncio.timeout(30):
        while source.begun < count:
            await asyncio.sleep(0)


def asking(loading: Loading[str], source: Source, count: int, key: str = "k") -> list[asyncio.Task[None]]:
    return [asyncio.create_task(loading.once(key, source.load)) for _ in range(count)]


async def test_many_who_ask_at_once_cause_one_load() -> None:
    loading: Loading[str] = Loading()
    source, other = Source(), Source()
    tasks = asking(loading, source, 50) + asking(loading, other, 1, "another")
    await begun(source, 1)
    await begun(other, 1)
    source.may_end.set()
    other.may_end.set()
    await asyncio.gather(*tasks)
    assert (source.begun, source.loaded, other.loaded) == (1, 1, 1)
    await loading.once("k", source.load)
    assert source.loaded == 2, "what is asked later is loaded anew"


async def test_a_load_that_fails_fails_for_all_and_the_next_one_is_tried() -> None:
    loading: Loading[str] = Loading()
    source = Source()
    source.failure = OSError("the disk")
    tasks = asking(loading, source, 20)
    await begun(source, 1)
    source.may_end.set()
    failed = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 30)
    assert [type(error) for error in failed] == [OSError] * 20
    assert source.begun == 1
    source.failure = None
    await asyncio.wait_for(loading.once("k", source.load), 30)
    assert source.loaded == 1


async def test_when_the_one_who_loads_gives_up_the_next_one_loads() -> None:
    loading: Loading[str] = Loading()
    source = Source()
    tasks = asking(loading, source, 5)
    for given_up in range(3):
        await begun(source, given_up + 1)
        tasks[given_up].cancel()
        await asyncio.wait([tasks[given_up]])
    await begun(source, 4)
    source.may_end.set()
    await asyncio.wait_for(asyncio.gather(*tasks[3:]), 30)
    assert (source.begun, source.loaded) == (4, 1)
    assert all(task.cancelled() for task in tasks[:3])


async def test_when_one_who_waits_gives_up_the_others_go_on() -> None:
    loading: Loading[str] = Loading()
    source = Source()
    tasks = asking(loading, source, 4)
    await begun(source, 1)
    tasks[2].cancel()
    with pytest.raises(asyncio.CancelledError):
        await tasks[2]
    source.may_end.set()
    await asyncio.wait_for(asyncio.gather(tasks[0], tasks[1], tasks[3]), 30)
    assert (source.begun, source.loaded) == (1, 1)


async def test_a_failure_that_nobody_else_waits_for_is_told_once(recwarn: pytest.WarningsRecorder) -> None:
    loading: Loading[str] = Loading()
    told: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context))
    source = Source()
    source.failure = OSError("the disk")
    source.may_end.set()
    with pytest.raises(OSError, match="the disk"):
        await loading.once("k", source.load)
    await asyncio.sleep(0)
    assert not told
    assert not list(recwarn)
