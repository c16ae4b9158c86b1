"""French: the words that documents are built with (``languages.documents`` says what each is for)."""

from __future__ import annotations

from triplette.languages.documents import DocumentWords

DOCUMENTS = DocumentWords(
    divisions=(
        ("partie", 1), ("livre", 1), ("titre", 2), ("annexe", 2), ("chapitre", 3), ("section", 4), ("directive", 2), ("directives", 2),
    ),
    numbered=r"Spécial\b|A[UX]*\s",
    article=r"article|art\.",
    series=r"[LRD]\.?\s?",
    ordinal=r"\s?er",
    repeated=r"\s?(?:bis|ter)",
    contents=r"sommaire|table\s+des\s+mati[èe]res",
    opening=r"pr[ée]ambule|avant[- ]propos|introduction|pr[ée]face|expos[ée] des motifs",
    page="page",
    of="sur",
    leaf="page|pages|folio|feuille|feuillet",
    sheet=r"(?:fiche|formulaire|bordereau|bon|reçu|procès-verbal|relevé)(?: [^\W\d_]+){0,4}|(?:bulletin|feuille) d(?:e |['’])[^\W\d_]+",
    answer="R|Réponse|Rép",
    invite=r"(?:(?:vous avez|avez-vous|encore|toujours|d.autres?|une|des|une autre) ?)*questions?|vous ne trouvez pas .*"
    r"|besoin d.(?:aide|un renseignement|informations?)|cette (?:page|réponse) vous a.*",
    dated="modifié|version|page|saison|mise à jour|approuvé|association déclarée",
    issuer=r"(?:la |le |l['’])?(?:f[ée]d[ée]ration|ligue|comit[ée]|direction|minist[èe]re|r[ée]publique|association|[ée]tat)\b"
    r"|(?:entre|et|pour|par|des?|du)\b",
    unfinished=r"\b(?:ou|et|de|du|des|la|le|les|un|une|à|au|aux|par|pour|que|qui|dont|entre|dans|sur|en|leur|son|sa|ses)|['’]",
    sentence=r"Si\b|S['’]|Quand\b|Lorsqu|En\s\w+ant\b|(?:Pour|Dans)\s(?:\S+\s){6}|(?:Il|Elle|Ils|On)\b|Ces?\b|Cette\b|Cela\b|(?:À|Aux?)\s"
    r"|(?:Est|Être|Avez|Avoir)\b",
    continues="des?|du|et|ou|par|pour|aux?|à (?:des|une?)|en|dans",
    finite="doit|doivent|peut|peuvent|sera|seront|est-(?:il|elle)|avez-vous|pensez-vous|n['’]est|ont|devra|pourra",
    imperative=r"[A-ZÉÀ]\w+(?:er|ir|[dt]re)\b",
    nouns=frozenset(
        "calendrier premier dernier cahier courrier dossier échiquier avenir titre lettre nombre membre chambre autre centre litre "
        "mètre arbitre registre ordre cadre quatre ministère".split()
    ),
    cites=r"articles?|art\.|règles?|paragraphes?|points?|annexes?|alinéas?|et|ou|à|de|du|des|aux?|les?|la|chapitres?",
    refers=r"articles?|art\.|annexes?|chapitres?|sections?|règles?|paragraphes?|points?",
    joins="et|ou|à",
    colon=" : ",
)  # fmt: skip
