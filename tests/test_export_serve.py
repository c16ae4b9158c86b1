"""The page of ``train ask --serve`` by real HTTP: what it shows, and what it refuses."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator

import httpx
import pytest
from readers import HOSTILE, PASSAGES, WordsReader, served

from triplette.errors import InputError
from triplette.export.serve.server import open_server

QUESTION = "Combien de minutes après un coup illégal ?"


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """A client of a server with two readers."""
    with (
        served(WordsReader("run/tuned", 0.3), WordsReader("run/base", 0.0)) as address,
        httpx.Client(base_url=address, trust_env=False) as http,
    ):
        yield http


def test_the_first_page_has_a_form_and_names_the_readers(client: httpx.Client) -> None:
    page = client.get("/").text
    assert '<form method="get" action="/"' in page
    assert "run/tuned" in page
    assert "<article>" not in page


def test_a_question_is_answered_by_each_reader_with_both_ranks_and_scores_and_the_other_s_rank(client: httpx.Client) -> None:
    page = client.get("/", params={"q": QUESTION, "n": "3"}).text
    columns = page.split("<section ")[1:]
    assert [column.count("<article>") for column in columns] == [3, 3]
    mine = WordsReader("", 0.3).find(QUESTION).best(3)
    theirs = WordsReader("", 0.0).find(QUESTION)
    for passage, shown in zip(mine, columns[0].split("<article>")[1:], strict=True):
        lexical = f"{passage.bm25_rank}</td><td>{passage.bm25_score:.2f}" if passage.bm25_rank else "none</td><td>no word of it"
        assert f"<th>BM25</th><td>{lexical}</td>" in shown
        assert f"<th>encoder</th><td>{passage.dense_rank}</td><td>{passage.dense_score:.3f}</td>" in shown
        assert f"<th>fused</th><td>{passage.rank}</td><td>{passage.score:.3f}</td>" in shown
        assert f"rank {theirs.rank_of(passage.chunk_id)} in run/base" in shown
    assert "fautes.md, p. 3–4" in columns[0]
    assert f'value="{QUESTION}"' in page


def test_the_encoder_alone_is_not_called_fused(client: httpx.Client) -> None:
    page = client.get("/", params={"q": QUESTION, "dense": "1"}).text
    assert "<th>fused</th>" not in page
    ranks = re.findall(r"<th>encoder</th><td>(\d+)</td>", page.split("<section ")[1])
    assert ranks == ["1", "2", "3", "4", "5"]


def test_one_passage_a_section_keeps_its_rank_among_all(client: httpx.Client) -> None:
    page = client.get("/", params={"q": QUESTION, "per": "section"}).text
    assert page.split("<section ")[1].count("<article>") == len({(item.source, item.title) for item in PASSAGES})


def test_texts_titles_and_questions_are_shown_not_run(client: httpx.Client) -> None:
    page = client.get("/", params={"q": f"ailleurs {HOSTILE}", "n": "5"}).text
    assert "<script" not in page
    assert "<img" not in page
    assert "\u202e" not in page
    assert "&lt;script&gt;" in page


def test_every_answer_forbids_scripts_frames_and_foreign_assets(client: httpx.Client) -> None:
    for path in ("/", "/page.css", "/absent", f"/?q={'x' * 1001}"):
        answer = client.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "script-src" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert not re.search(r"(?:src|href)=\"(?!/)", answer.text)


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/absent", 404, "no such page"),
        ("/%00", 404, "no such path"),
        (f"/?q={'x' * 1001}", 422, "1001 characters"),
        ("/?q=roi&n=7", 422, "no such number"),
        ("/?q=roi&n=99999999999", 422, "larger than"),
        ("/?q=roi&per=word", 422, "no such number or kind"),
        ("/?q=%00", 422, "null character"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_words(client: httpx.Client, path: str, status: int, said: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, said in answer.text) == (status, True)


@pytest.mark.parametrize(("host", "status"), [("localhost:1", 200), ("rebound.example", 400), ("127.0.0.1.rebound.example:80", 400)])
def test_only_its_own_names_are_answered(client: httpx.Client, host: str, status: int) -> None:
    assert client.get("/", headers={"Host": host}).status_code == status


def test_a_question_that_another_site_sends_is_refused(client: httpx.Client) -> None:
    assert client.get("/", params={"q": "roi"}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.get("/", params={"q": "roi"}, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200


def test_nothing_but_reading_is_offered(client: httpx.Client) -> None:
    assert client.post("/", data={"q": "roi"}).status_code == 501
    head = client.head("/")
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["Content-Length"]) > 500


def test_it_listens_on_loopback_only_and_says_when_a_port_is_taken() -> None:
    with open_server([], 0) as server:
        assert server.server_address[0] == "127.0.0.1"
        with pytest.raises(InputError, match="cannot be used") as caught:
            open_server([], int(server.server_address[1]))
    assert "--port 0" in caught.value.cure


def test_a_client_that_leaves_in_the_middle_disturbs_nobody(client: httpx.Client) -> None:
    address = (client.base_url.host, client.base_url.port)
    with socket.create_connection(address) as connection:
        connection.sendall(b"GET /?q=roi HTTP/1.1\r\nHost: 127.0.0.1\r\n")
    assert client.get("/").status_code == 200
