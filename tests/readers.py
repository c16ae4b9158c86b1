"""Readers over a few passages, ranked by BM25 and LSA: what the tests of the page ask, without a model."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
from training_data import chunk

from triplette.contract import Fusion
from triplette.export.answers import Found, Passage, Place, Scores
from triplette.export.index import asked_tokens, lexical_index
from triplette.export.serve.server import open_server
from triplette.ranking.fusion import fuse
from triplette.ranking.lsa import LsaEncoder
from triplette.records import Chunk

HOSTILE = '<script>document.title = "taken"</script><img src=x onerror="document.title=1"> \u202e'
PASSAGES = (
    replace(chunk("Au premier coup illégal, l'arbitre ajoute deux minutes à la pendule de l'adversaire.", "Fautes", "fautes.md"), page_start=3, page_end=4),
    chunk("La pendule est arrêtée par l'arbitre quand il intervient.", "Pendule", "pendule.md"),
    chunk(f"Un texte venu d'ailleurs : {HOSTILE}", f"Titre {HOSTILE}", "ailleurs.md"),
    chunk("Le roque déplace le roi de deux cases vers la tour.", "Roque", "coups.md"),
    chunk("Un pion arrivé sur la dernière rangée est remplacé par une pièce.", "Promotion", "coups.md"),
)  # fmt: skip


class WordsReader:
    """BM25 and LSA over passages, fused with BM25's weight ``lexical``."""

    def __init__(self, name: str, lexical: float, chunks: Sequence[Chunk] = PASSAGES) -> None:
        self.name, self.method, self._chunks, self._fusion = name, f"LSA; BM25 {lexical:g}", chunks, Fusion(lexical=lexical)
        self.ids = [item.id for item in chunks]
        self.places: list[Place] = [(item.source, item.page_start, item.title) for item in chunks]
        texts, titles = [item.text for item in chunks], [item.title for item in chunks]
        self._bm25, self._lsa = lexical_index(chunks), LsaEncoder(texts, titles, {"fr"})
        self._vectors = self._lsa.encode_documents(texts, titles)

    def find(self, text: str, *, dense: bool = False) -> Found:
        """The passages in their order."""
        bm25 = np.concatenate([block.copy() for _, block in self._bm25.scores([asked_tokens(text, ["fr"])], dtype=np.float64)])
        cosines = (self._lsa.encode_queries([text]) @ self._vectors.T).astype(np.float64).round(6)
        return Found(self, Scores(bm25[0], cosines[0], fuse(bm25, cosines, self._fusion)[0]), dense=dense)

    def passage(self, position: int) -> Passage:
        """A passage without ranks."""
        item = self._chunks[position]
        return Passage(0, 0.0, 0, 0.0, 0, 0.0, item.id, item.title, item.source, item.page_start, item.page_end, item.text)


@contextmanager
def served(*readers: WordsReader) -> Iterator[str]:
    """The address, without a slash at its end, of a server that answers from them."""
    with open_server(readers, 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
