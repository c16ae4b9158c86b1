"""Spanish: what two questions must agree in to ask the same (``languages.patterns.Asking``)."""

from __future__ import annotations

import re

from triplette.languages.es.words import STOP_WORDS
from triplette.languages.patterns import Asking

_ALTERNATIVES = """
    primero primera segundo segunda tercero tercera último última siguiente anterior próximo próxima antes después durante principio fin
    mínimo máximo mínima máxima menos más femenino masculino mixto joven adulto menor mayor infantil local provincial autonómico nacional
    internacional individual equipo grande pequeño abierto cerrado dentro fuera izquierda derecha frío caliente crudo cocido día noche invierno verano
    aumentar reducir ganar perder presidente presidenta vicepresidente secretario secretaria tesorero tesorera
"""
_NUMBERS = dict(
    zip(
        "dos tres cuatro cinco seis siete ocho nueve diez once doce veinte treinta cien".split(),
        (*range(2, 13), 20, 30, 100),
        strict=True,
    )
)
_THE = r"(?:(?:el|la|los|las)\s+)?"
_FORMS = (
    (
        "consequence",
        r"que (?:pasa|ocurre|sucede|pasara|riesgo)|cual(?:es)? (?:es|son) (?:la|las) (?:\w+ )?(?:consecuencias?|sancion(?:es)?|multas?)"
        r"|que (?:sancion|multa|consecuencias?)",
    ),
    (
        "how long",
        r"cuanto (?:tiempo|dura)|cuant[oa]s (?:minutos|horas|dias|semanas|meses|segundos|anos)|(?:cual es el|que) (?:plazo|duracion)",
    ),
    ("share", r"que (?:porcentaje|parte|proporcion)"),
    ("how often", r"cada cuanto|con que frecuencia|cuantas veces"),
    ("how many", r"cuant[oa]s?\b|cual es el numero|que numero"),
    (
        "when",
        r"\bcuando\b|a que hora|en que (?:momento|fecha)|(?:que|cual es la) (?:fecha|dia)|hasta que (?:dia|fecha)|(?:que|cual es el) dia",
    ),
    ("why", r"\bpor que\b|por que (?:razon|motivo)|cual(?:es)? (?:es|son) (?:la|el|los|las) (?:razon|motivo)\w*"),
    ("who", r"\bquien(?:es)?\b|que (?:organo|persona|comision|comite)"),
    ("how", r"\bcomo\b|de que (?:manera|forma|modo)|cual es el (?:procedimiento|metodo)"),
    ("where", r"\b(?:a|de)?donde\b|en que (?:lugar|sitio)"),
    (
        "which",
        rf"(?:cual(?:es)?|que) (?:(?:es|son|era) )?{_THE}(?:(?:unic|principal|otr|distint)\w* )?(?!es\b|se\b|hay\b)(?P<noun>\w+)",
    ),
    ("what", r"\bque\b"),
    ("whether", ""),
)

ASKING = Asking(
    forms=tuple((name, re.compile(pattern)) for name, pattern in _FORMS),
    alternatives=frozenset(_ALTERNATIVES.split()),
    numbers=tuple(_NUMBERS.items()),
    negations=re.compile(r"\b(?:no|nunca|jamas|ningun[oa]?|sin|salvo|excepto|prohibid\w*|prohib\w+|rechaz\w+|imposible|tampoco)\b"),
    question_words=frozenset("quién cuándo dónde cómo cuánto cuánta cuántos cuántas".split()),
    light=STOP_WORDS
    | frozenset(
        "tipo número regla caso contexto diferente diferentes posible principal persona personas nivel existe consecuencia sanción manera forma modo "
        "decir saber pasa ocurre significa necesito hace falta".split()
    ),
)
