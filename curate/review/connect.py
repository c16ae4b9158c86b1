"""One connection to an Argilla, the user's own or the embedded one, and its errors in one clear line each."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from triplette.curate.review.serve.home import Home
from triplette.errors import MissingStage, ServiceError
from triplette.rundir import RunDir
from triplette.settings.review import ReviewSettings

if TYPE_CHECKING:
    import argilla

KEY = "ARGILLA_API_KEY"


def connect(run: RunDir, settings: ReviewSettings) -> AbstractContextManager[argilla.Argilla]:
    """A client of the Argilla at ``settings.api_url``, else of the run's embedded server, open for a block. Raises ServiceError."""
    if settings.api_url:
        key = os.environ.get(KEY, "")
        if not key:
            raise ServiceError("no API key", where=settings.api_url, cure=f"export {KEY}=... (Argilla shows it under My settings)")
        return open_client(settings.api_url, key)
    home = Home.of(run)
    url = home.running() if home.exists() else ""
    if not url:
        raise ServiceError(
            "no review server runs for this run directory",
            where=str(home.root),
            cure=f"run `{run.command('curate review serve')}` in another terminal, give --api-url, or work without a server: "
            f"`{run.command('curate review export')}`",
        )
    return open_client(url, home.owner().api_key)


@contextmanager
def open_client(url: str, key: str) -> Iterator[argilla.Argilla]:
    """A checked client, whose connections are closed behind the block. Raises ServiceError: not reachable, wrong key, not an Argilla."""
    try:
        import argilla
    except ImportError:
        raise MissingStage("the argilla package is not installed", cure="pip install 'triplette[review]'") from None
    # made before it connects: a client that is refused has connections to close too
    client = argilla.Argilla.__new__(argilla.Argilla)
    try:
        with clear_errors(url):
            client.__init__(api_url=url.rstrip("/"), api_key=key, timeout=120, retries=2, headers=space_headers(url, os.environ))
        yield client
    finally:
        if hasattr(client, "http_client"):
            client.http_client.close()


def space_headers(url: str, environment: Mapping[str, str]) -> dict[str, str]:
    """What a private Hugging Face Space asks for before Argilla: the token in HF_TOKEN. It goes to no other host."""
    parts = urlsplit(url)
    token = environment.get("HF_TOKEN", "")
    if not token or parts.scheme != "https" or not (parts.hostname or "").endswith(".hf.space"):
        return {}
    return {"Authorization": f"Bearer {token}"}


@contextmanager
def clear_errors(url: str) -> Iterator[None]:
    """Turn the SDK's and the network's errors inside the block into one ServiceError that says what to do."""
    import httpx
    from argilla._exceptions import ArgillaError

    try:
        yield
    except httpx.TimeoutException:
        raise ServiceError("the Argilla server did not answer in time", where=url, cure="look at its log, then run it again") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ServiceError(
            f"the Argilla server cannot be reached ({error})",
            where=url,
            cure="check the address and that it runs; `curate review serve` starts one",
        ) from None
    except ArgillaError as error:
        raise _service_error(error, url) from None
    except ValueError as error:  # the SDK parses whatever answers at the address as JSON
        if type(error).__name__ != "JSONDecodeError":
            raise
        raise ServiceError("what answers here is not an Argilla 2 server", where=url, cure="check the address") from None


def _service_error(error: Any, url: str) -> ServiceError:
    name, words = type(error).__name__, " ".join(str(error).split())
    if name in ("ArgillaCredentialsError", "UnauthorizedError"):
        return ServiceError("the server refuses the API key", where=url, cure=f"set {KEY} to a key of this server")
    if name == "ForbiddenError":
        return ServiceError(
            "the API key's role may not do this", where=url, cure="use the key of an owner, or of an admin of the workspace"
        )
    if name == "NotFoundError" and "/api" in words:
        return ServiceError("what answers here is not an Argilla 2 server", where=url, cure="check the address")
    return ServiceError(f"the server answered: {words[:300]}", where=url, cure="look at the server's log, then run it again")
