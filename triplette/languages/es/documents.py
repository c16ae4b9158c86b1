"""Spanish: the words that documents are built with (``languages.documents`` says what each is for)."""

from __future__ import annotations

from triplette.languages.documents import DocumentWords

DOCUMENTS = DocumentWords(
    divisions=(
        ("parte", 1), ("libro", 1), ("título", 2), ("titulo", 2), ("anexo", 2), ("capítulo", 3), ("capitulo", 3), ("sección", 4), ("seccion", 4),
    ),
    numbered=r"(?:Primer[oa]?|Segund[oa]|Tercer[oa]?|Cuart[oa]|Quint[oa]|Preliminar|Únic[oa])\b",
    article=r"art[íi]culo|art\.",
    ordinal=r"\s?[.]?[ºª°o]",
    repeated=r"\s?(?:bis|ter)",
    contents=r"[íi]ndice|sumario|contenidos?",
    opening=r"pre[áa]mbulo|pr[óo]logo|introducci[óo]n|exposici[óo]n de motivos",
    page=r"p[áa]gina|p[áa]g\.",
    of="de",
    leaf=r"p[áa]ginas?|hojas?|folios?",
    sheet=r"(?:ficha|formulario|boleta|recibo|vale)(?: [^\W\d_]+){0,4}|hoja de [^\W\d_]+",
    answer="R|Respuesta",
    invite=r"¿?(?:tiene|tienes|alguna|más|otra|una)(?: \w+){0,2} (?:preguntas?|dudas?)|¿?necesitas? ayuda",
    dated=r"modificad[oa]|versi[óo]n|p[áa]gina|temporada|actualizad[oa]|aprobad[oa]|edici[óo]n|revisi[óo]n",
    issuer=r"(?:el |la |los |las )?(?:federaci[óo]n|liga|comit[ée]|direcci[óo]n|ministerio|consejer[íi]a|ayuntamiento|asociaci[óo]n|sociedad|estado)\b"
    r"|(?:entre|y|para|por|de|del)\b",
    unfinished=r"\b(?:o|y|e|de|del|la|el|los|las|un|una|a|al|por|para|que|quien|cuyo|entre|en|con|sobre|su|sus)",
    sentence=r"(?:Si|Cuando|Él|Ella|Se|Hay|Quien|Quienes|No|Est[eao]s?|Es[eao]s?)\b|(?:Para|En)\s(?:\S+\s){6}",
    continues="del?|y|o|por|para|al?|en|con",
    finite=r"debe|deben|puede|pueden|será|serán|es|son|está|están|ha|han|tiene|tienen|podrá|deberá",
    imperative=r"(?:No|Nunca|Siempre|Lave|Compruebe|Lleve|Cierre|Abra|Pulse|Avise|Deje|Ponga|Pida|Lea|Vaya)\b",
    cites=r"art[íi]culos?|arts?\.|reglas?|p[áa]rrafos?|puntos?|anexos?|apartados?|cap[íi]tulos?|y|o|al?|del?|las?|los|el|en|v[ée]ase",
    refers=r"art[íi]culos?|arts?\.|reglas?|p[áa]rrafos?|puntos?|anexos?|apartados?|cap[íi]tulos?|secci[óo]n(?:es)?",
    joins="y|o|a",
)  # fmt: skip
