"""What tests of calls on an event loop have in common."""

import asyncio
import threading

from objects.engine.on_loop import LoopWorker
from objects.engine.worker import Worker


class Ran:
    """How many batches of an engine its loop carried out, and how many its threads."""

    def __init__(self, engine, monkeypatch) -> None:
        self.on_loop = self.in_threads = 0
        carry_out = Worker._carry_out

        def counted(worker, *args, **options):
            if worker.engine is engine and isinstance(worker, LoopWorker):
                assert threading.current_thread() is threading.main_thread()
                self.on_loop += 1
            elif worker.engine is engine:
                self.in_threads += 1
            return carry_out(worker, *args, **options)

        monkeypatch.setattr(Worker, "_carry_out", counted)


async def is_free(engine) -> LoopWorker:
    here = engine.on_loop()
    while not here.is_free or here.waking._exchange is None:  # noqa: ASYNC110 -- nothing tells of it
        await asyncio.sleep(0.01)
    return here


async def incr(grove, path, **options):
    return await grove.engine.acall(grove.schema, path, "state.incr", {"key": "n"}, grove.caller, **options)


async def sql(grove, path, query):
    return await grove.engine.acall(grove.schema, path, "sql", {"query": query}, grove.caller)
