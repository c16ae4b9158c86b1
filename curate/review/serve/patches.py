"""What the launcher changes in the imported server, which stays as it was installed. Each change is for VERSION alone.

1. Jobs: the server hands work to a Redis queue and a worker process. Here the queue is an in-process imitation of Redis and a
   job runs as a task of the server's own event loop (rq's synchronous mode cannot run coroutines inside one).
2. Upload speed: a pydantic TypeAdapter was built for each suggestion and each metadata value, and each record built a webhook
   event with several queries although no webhook was registered.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from typing import Any

VERSION = "2.8.0"
_tasks: set[Any] = set()  # the event loop holds tasks weakly
_log = logging.getLogger("argilla.jobs")


def imitate_redis() -> None:
    """Let every connection that the server opens at import go to one in-process imitation. Call it before that import."""
    import fakeredis
    import redis

    shared = fakeredis.FakeServer()
    redis.from_url = lambda url, **options: fakeredis.FakeRedis(server=shared)


def run_jobs_in_loop() -> None:
    """Run what is put on the server's queues as tasks of the event loop that puts it there."""
    from argilla_server.jobs import queues

    for queue in (queues.DEFAULT_QUEUE, queues.HIGH_QUEUE):
        queue._is_async = False
        queue.run_sync = _start


def _start(job: Any) -> Any:
    task = asyncio.get_running_loop().create_task(_perform(job))
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
    return job


async def _perform(job: Any) -> None:
    from rq.job import JobStatus

    job.set_status(JobStatus.STARTED)
    try:
        await job.func(*job.args, **job.kwargs)
    except Exception:  # a job's failure is logged, never the server's end
        job.set_status(JobStatus.FAILED)
        _log.exception("job %s failed", job.func_name)
    else:
        job.set_status(JobStatus.FINISHED)


def speed_up_uploads() -> None:
    """Build each type adapter once, and a webhook event only where a webhook listens."""
    import pydantic
    from argilla_server.bulk import records_bulk
    from argilla_server.contexts import distribution
    from argilla_server.models import database

    database.TypeAdapter = functools.lru_cache(maxsize=64)(pydantic.TypeAdapter)
    for module in (records_bulk, distribution):
        module.notify_record_event_v1 = _only_if_heard(module.notify_record_event_v1)


def _only_if_heard(notify: Any) -> Any:
    from argilla_server.contexts import webhooks

    @functools.wraps(notify)
    async def wrapper(db: Any, event: Any, record: Any) -> Any:
        return await notify(db, event, record) if await webhooks.list_enabled_webhooks(db) else []

    return wrapper
