"""Others' ways of asking a model for many texts, against the endpoint of ``writing.py``. It runs in the peer's own environment, without Triplette.

    python benchmarks/peer_writing.py openai-like|generate_qa_embedding_pairs|distilabel|data-designer --requests FILE --url URL --calls 1280

Each gets the same messages, but for ``generate_qa_embedding_pairs``, which writes its own. None keeps an answer on disk as it comes or checks its
form; distilabel and Data Designer write their result at the end. distilabel sends a batch, waits for its last answer, and sends the next; with
batches of 640 the endpoint's line fills its slots. Data Designer gets a limit of calls at once. Nothing is measured before the library is loaded.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import logging
import sys
import tempfile
from pathlib import Path
from typing import Any

from clock import Clock

KEY = "none"


def openai_like(url: str, rows: list[dict[str, Any]], at_once: int) -> Clock:
    """LlamaIndex's ``OpenAILike`` over the openai package's client, in as many workers; nothing kept."""
    from llama_index.core.llms import ChatMessage
    from llama_index.llms.openai_like import OpenAILike

    llm = OpenAILike(model="bench", api_base=url, api_key=KEY, is_chat_model=True, max_retries=0, max_tokens=1000)

    async def ask(row: dict[str, Any]) -> None:
        messages = [ChatMessage(role=message["role"], content=message["content"]) for message in row["messages"]]
        await llm.achat(messages, response_format=row["response_format"])

    async def run() -> Clock:
        await ask(rows[0])  # its first call imports half the package
        todo = iter(rows)

        async def work() -> None:
            for row in todo:
                await ask(row)

        with Clock() as clock:
            await asyncio.gather(*(work() for _ in range(at_once)))
        return clock

    return asyncio.run(run())


def embedding_pairs(url: str, rows: list[dict[str, Any]], _: int) -> Clock:
    """LlamaIndex's generator for fine-tuning, one passage after the other, with its own file for saving."""
    import llama_index
    from llama_index.core.schema import TextNode
    from llama_index.llms.openai_like import OpenAILike

    # the one module: the package's own import needs five providers' clients
    places = [Path(folder) / "finetuning/embeddings/common.py" for folder in llama_index.__path__]
    path = next(place for place in places if place.exists())
    spec = importlib.util.spec_from_file_location("common", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    llm = OpenAILike(model="bench", api_base=url, api_key=KEY, is_chat_model=True, max_tokens=1000)
    llm.complete("warm")
    nodes = [TextNode(text=row["text"]) for row in rows]
    with tempfile.TemporaryDirectory() as place, Clock() as clock:
        module.generate_qa_embedding_pairs(nodes, llm, output_path=str(Path(place) / "pairs.json"), verbose=False)
    return clock


def distilabel(url: str, rows: list[dict[str, Any]], at_once: int) -> Clock:
    """A pipeline of two steps: the messages, and a chat task over ``OpenAILLM``."""
    from distilabel.models import OpenAILLM
    from distilabel.pipeline import Pipeline
    from distilabel.steps import LoadDataFromDicts
    from distilabel.steps.tasks import ChatGeneration

    with Pipeline(name="bench") as pipeline:
        llm = OpenAILLM(model="bench", base_url=url, api_key=KEY, generation_kwargs={"max_new_tokens": 1000})
        load = LoadDataFromDicts(data=[{"messages": row["messages"]} for row in rows], batch_size=at_once)
        load >> ChatGeneration(llm=llm, input_batch_size=at_once)
    with Clock() as clock:
        made = pipeline.run(use_cache=False)
    answered = [row["generation"] for row in made["default"]["train"]]
    assert len(answered) == len(rows)
    assert all(answered)
    return clock


def data_designer(url: str, rows: list[dict[str, Any]], at_once: int) -> Clock:
    """A text column over a seed of prompts. The two messages are its system prompt and its prompt."""
    import data_designer.config as dd
    import pandas
    from data_designer.interface import DataDesigner

    system = rows[0]["messages"][0]["content"] if len(rows[0]["messages"]) > 1 else None
    frame = pandas.DataFrame({"asked": [row["messages"][-1]["content"] for row in rows]})
    with tempfile.TemporaryDirectory() as place:
        provider = dd.ModelProvider(name="loopback", endpoint=url, provider_type="openai", api_key=KEY)
        parameters = dd.ChatCompletionInferenceParams(max_tokens=1000, max_parallel_requests=at_once)
        model = dd.ModelConfig(
            alias="bench", model="bench", provider="loopback", inference_parameters=parameters, skip_health_check=True
        )
        builder = dd.DataDesignerConfigBuilder(model_configs=[model])
        builder.with_seed_dataset(dd.DataFrameSeedSource(df=frame))
        builder.add_column(dd.LLMTextColumnConfig(name="answer", model_alias="bench", prompt="{{ asked }}", system_prompt=system))
        designer = DataDesigner(artifact_path=place, model_providers=[provider])
        with Clock() as clock:
            made = designer.create(builder, num_records=len(rows), dataset_name="bench").load_dataset()
    assert len(made) == len(rows)
    assert made["answer"].str.len().min() > 0
    return clock


WAYS = {
    "openai-like": openai_like,
    "generate_qa_embedding_pairs": embedding_pairs,
    "distilabel": distilabel,
    "data-designer": data_designer,
}


def main() -> None:
    """Ask as often as told, and say how long it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("--requests", type=Path, required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("--calls", type=int, required=True)
    parser.add_argument("--at-once", type=int, default=64)
    options = parser.parse_args()
    rows = [json.loads(line) for line in options.requests.read_text(encoding="utf-8").splitlines()[: options.calls]]
    logging.disable(logging.WARNING)
    clock = WAYS[options.way](options.url, rows, options.at_once)
    sys.stdout.flush()
    clock.tell(len(rows), share_of_ideal=round(len(rows) * 0.2 / 64 / clock.seconds, 3))


if __name__ == "__main__":
    main()
