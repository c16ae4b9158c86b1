"""Where the blocks of a stage's work run: in this process, or as tasks on a Ray cluster.

A stage cuts its work into blocks, each a call of one function; what comes back stands in the blocks' order, so the bytes that a stage writes do not
depend on where it ran. Ray brings other machines and takes over a block whose machine died. It is a task a block and not a Ray
Dataset: the stages' blocks hold documents, token lists and an index, not rows of a table, and a dataset would only wrap each in one
(docs/decisions.md). Whatever the blocks share is sent to each machine once.
"""

from __future__ import annotations

import os
import socket
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from triplette.errors import ServiceError, SettingError

T = TypeVar("T")
RETRIES = 3  # times that a block is run again when the machine under it is lost
CONNECT = 10.0  # seconds that a cluster's machine may take to answer: Ray itself tries an address where nobody is for minutes
STARTS = 3  # times that a cluster on this machine is started: on a busy one Ray's fixed half minute may be too short
IN_FLIGHT = 2  # blocks a core that are out at once: what came early waits for its turn in memory


@dataclass(frozen=True, slots=True)
class Engine:
    """``name`` is ``local`` or ``ray``; ``address`` a cluster's (``ray://host:10001``, ``auto``), empty for that in RAY_ADDRESS or one on this
    machine.

    Raises SettingError for another name, or an address without Ray.
    """

    name: str = "local"
    address: str = ""

    def __post_init__(self) -> None:
        if self.name not in ("local", "ray"):
            raise SettingError(f"{self.name!r} is no engine", where="--engine", cure="local or ray")
        if self.address and self.name != "ray":
            raise SettingError("an address is given, but not the engine", where="--ray-address", cure="add --engine ray")

    @property
    def spread(self) -> bool:
        """Whether blocks run elsewhere than in this process."""
        return self.name == "ray"

    def run(self, work: Callable[..., T], blocks: Sequence[tuple[Any, ...]], *, shared: Sequence[Any] = ()) -> Iterator[T]:
        """``work(*shared, *block)`` of every block, in the blocks' order.

        What ``work`` raises is raised here. Raises ServiceError when the cluster cannot be reached or loses a block for good.
        """
        if self.spread:
            yield from _on_ray(self.address, work, blocks, shared)
        else:
            for block in blocks:
                yield work(*shared, *block)


LOCAL = Engine()


def _on_ray(address: str, work: Callable[..., T], blocks: Sequence[tuple[Any, ...]], shared: Sequence[Any]) -> Iterator[T]:
    ray = _connected(address)
    once = [ray.put(value) for value in shared]
    task = ray.remote(max_retries=RETRIES)(work)
    room = max(1, IN_FLIGHT * int(ray.cluster_resources().get("CPU", 1)))
    out: deque[Any] = deque()
    waiting = iter(blocks)
    try:
        for block in waiting:
            out.append(task.remote(*once, *block))
            if len(out) >= room:
                yield _result(ray, out.popleft())
        while out:
            yield _result(ray, out.popleft())
    finally:
        for left in out:  # the caller has given up, or an error ends the work
            ray.cancel(left, force=True)


def _result(ray: Any, reference: Any) -> Any:
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:  # the work's own error, as it would be raised here
        raise getattr(error, "cause", None) or error from None
    except ray.exceptions.RayError as error:
        said = (str(error).strip().splitlines() or [""])[0]
        raise ServiceError(
            f"a block was lost {RETRIES + 1} times ({type(error).__name__}: {said[:200]})",
            where="ray",
            cure="see the cluster's log; run the same command again, or with --engine local",
        ) from None


def _connected(address: str) -> Any:
    """Ray, connected to the cluster at ``address`` or to one that is started on this machine for this process."""
    import ray

    if address in ("", "auto"):
        address = os.environ.get("RAY_ADDRESS") or address  # Ray would take it itself, unasked, and wait minutes where nobody is
    if address and not ray.is_initialized():
        someone_there(address)
    for start in range(1, STARTS + 1):
        if ray.is_initialized():
            break
        try:
            ray.init(address=address or None, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
        except Exception as error:  # Ray raises bare ones: no cluster there, another version, a node that did not start in time
            ray.shutdown()
            if start < STARTS and not address:
                continue
            raise _nobody(address, error) from None
    return ray


def someone_there(address: str) -> None:
    """Raise ServiceError where nobody listens at a HOST:PORT; other forms of address (``auto``) are Ray's to look up."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT).close()
    except (OSError, OverflowError) as error:
        raise _nobody(address, error) from None


def _nobody(address: str, error: Exception) -> ServiceError:
    said = " ".join(str(error).split()) or type(error).__name__
    if "ray[client]" in said:
        return ServiceError("Ray's client is not installed here", where=address, cure="pip install 'ray[client]'")
    return ServiceError(
        f"no cluster there ({said[:200]})",
        where=address or "ray",
        cure="start one (`ray start --head`), or leave --ray-address out and RAY_ADDRESS unset",
    )
