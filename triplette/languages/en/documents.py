"""English: the words that documents are built with (``languages.documents`` says what each is for)."""

from __future__ import annotations

from triplette.languages.documents import DocumentWords

DOCUMENTS = DocumentWords(
    divisions=(
        ("part", 1), ("book", 1), ("title", 2), ("appendix", 2), ("annex", 2), ("schedule", 2), ("chapter", 3), ("section", 4), ("directive", 2),
    ),
    article=r"article|art\.|rule|clause",
    contents=r"(?:table\s+of\s+)?contents",
    opening="preamble|foreword|introduction|preface",
    page="page",
    of="of",
    leaf="page|pages|sheet|folio",
    sheet=r"[^\W\d_]+ sheet|(?:[^\W\d_]+ ){1,4}(?:form|card|slip|log|receipt|voucher)",
    answer="A|Answer",
    invite=r"(?:still |have |got |any |do you have )*(?:any |more |other |further |a )*questions?|need (?:more |any )?(?:help|assistance)"
    r"|(?:was|did) this (?:page|article|answer) help\w*(?: you)?|can(?:'t|not) find .*",
    dated="revised|version|page|updated|amended|approved|adopted|edition|effective from",
    issuer=r"(?:the )?(?:federation|league|committee|ministry|department|association|society|council)\b|(?:between|and|for|by|of)\b",
    unfinished=r"\b(?:or|and|of|the|a|an|to|by|for|with|from|in|on|at|that|which|who|between|their|its|his|her)",
    sentence=r"(?:If|When|Unless|It|They|He|She|We|There|This|These|That)\b|(?:For|In)\s(?:\S+\s){6}",
    continues="of|the|and|or|by|for|to|in",
    finite="must|shall|should|cannot|is|are|was|were|has|have",
    imperative=r"(?:Do not|Never|Always|Please|Keep|Wear|Check|Make|Ask|Bring|Leave|Take|Press|Turn|Put|Wash|Call|Tell|Read|Go)\b",
    cites=r"articles?|art\.|rules?|paragraphs?|points?|annex(?:es)?|appendix|clauses?|sections?|chapters?|and|or|to|of|the|in|under|see",
    refers=r"articles?|art\.|rules?|paragraphs?|points?|annex(?:es)?|appendix|clauses?|sections?|chapters?",
    joins="and|or|to",
)  # fmt: skip
