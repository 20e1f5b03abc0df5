"""Loading something once for all who ask for it at the same time.

Not here: what is kept once it is loaded (``residents``, and the states of cards and quizzes).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


class Loading(Generic[Key]):
    """Loads under way, by key."""

    def __init__(self) -> None:
        self._under_way: dict[Key, asyncio.Future[bool]] = {}

    async def once(self, key: Key, load: Callable[[], Awaitable[None]]) -> None:
        """Run ``load``, unless one for ``key`` is under way: then wait for that one.

        Its failure is everybody's, for each of them would have met it. That the one who began it gave up is not: then
        the next of those who wait loads.

        Raises:
            Exception: what the load raised.
        """
        while (under_way := self._under_way.get(key)) is not None:
            # Shielded: whoever stops waiting does not end the wait of the others.
            if await asyncio.shield(under_way):
                return
        done = self._under_way[key] = asyncio.get_running_loop().create_future()
        try:
            await load()
        except Exception as error:
            done.set_exception(error)
            done.exception()  # perhaps nobody else waits, and then it is no news
            raise
        except BaseException:
            done.set_result(False)
            raise
        else:
            done.set_result(True)
        finally:
            del self._under_way[key]
