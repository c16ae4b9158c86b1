"""Settings of the calls to a language model, whichever stage makes them.

The key is never one of them: it comes from the environment.
"""

from __future__ import annotations

from dataclasses import dataclass

from triplette.settings.base import setting


@dataclass(frozen=True, slots=True)
class LlmSettings:
    """[synth.llm] and [curate.llm]"""

    model: str = setting("", "The model, as openai:MODEL (any OpenAI-compatible endpoint), such as openai:gpt-4.1-mini.")
    base_url: str = setting("", "The endpoint's address up to /v1; empty is OpenAI's own. Never put a key in it.")
    via: str = setting(
        "own",
        "'own' connection, or 'llama-index': the same calls through LlamaIndex's OpenAILike, so that its callbacks and tracing see them "
        "(pip install 'triplette[llama-index]').",
        choices=("own", "llama-index"),
    )
    key_variable: str = setting("OPENAI_API_KEY", "The environment variable that holds the key.")
    concurrency: int = setting(16, "Calls in flight at most; halved for a while when the endpoint says 429.", low=1, high=1024)
    timeout: float = setting(60.0, "Seconds after which a call that stalls is given up and tried again.", low=0.1, high=3600)
    attempts: int = setting(
        6, "Times that a call is sent before it counts as failed (500, 502, 503, 504, timeouts, lost connections).", low=1, high=50
    )
    backoff: float = setting(1.0, "Seconds before the second attempt; doubled each time, with jitter, up to 60.", low=0.0, high=60)
    patience: float = setting(
        900.0, "Seconds that one call waits at most, in all, on an endpoint that says 429 or gives a Retry-After.", low=1, high=86400
    )
    max_failures: int = setting(
        20, "Failures in a row, over all calls and without one success between them, after which the run stops.", low=1, high=10000
    )
    max_tokens: int = setting(
        1000, "Tokens that an answer may have. The budget reserves their price for each call in flight.", low=16, high=32768
    )
    temperature: float = setting(0.7, "Sampling temperature; not sent to reasoning models, which refuse it.", low=0.0, high=2.0)
    response_format: str = setting(
        "json_schema",
        "How the form of the answer is asked for: 'json_schema' (strict), 'json_object', or 'text' for endpoints that know neither. "
        "Every answer is checked against the schema whatever this says.",
        choices=("json_schema", "json_object", "text"),
    )
    prices: str = setting(
        "",
        "A file of prices, TOML or JSON, in place of the built-in list: as_of, and each model's input and output in US dollars for a "
        "million tokens (docs/llm.md).",
    )
    price_in: float | None = setting(None, "US dollars for a million input tokens; unset takes the list's.", low=0.0, high=10000)
    price_out: float | None = setting(None, "US dollars for a million output tokens; unset as above.", low=0.0, high=10000)
    batch: bool = setting(
        False,
        "Ask through the provider's batch service (OpenAI's form): cheaper, and the answers come within a day. The command submits and ends; "
        "the same command later collects.",
    )
    batch_rate: float = setting(0.5, "Share of the price that a call costs in a batch; OpenAI's is half.", low=0.0, high=1.0)
    batch_wait: float = setting(
        0.0, "Hours that a command with batch waits for the answers before it ends; 0: it submits, or looks once.", low=0.0, high=720
    )
    batch_poll: float = setting(60.0, "Seconds between two looks at a batch while waiting.", low=0.01, high=86400)
    batch_requests: int = setting(50_000, "Requests of one batch at most; OpenAI takes 50,000.", low=1, high=50_000)
    batch_mb: int = setting(190, "Megabytes of one batch's file at most; OpenAI takes 200.", low=1, high=10_000)
    seed: int = setting(0, "Seed of the jitter between attempts.", low=0, high=2**31 - 1)
