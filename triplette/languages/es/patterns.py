"""Spanish: forms of words that give a bad question away (``languages.patterns`` says what each is for)."""

from __future__ import annotations

import re

from triplette.languages.patterns import Patterns

_PART = (
    r"(?:textos?|pasajes?|extractos?|fragmentos?|documentos?|articulos?|parrafos?|apartados?|seccion(?:es)?|capitulos?|anexos?|clausulas?|tablas?|"
    r"cuadros?|listas?|esquemas?|figuras?|paginas?|ejemplos?|reglamentos?|normativas?|estatutos?|ordenanzas?|avisos?|guias?|folletos?|glosarios?|"
    r"formularios?)"
)
_LEANING = (
    rf"\b(?:este|esta|estos|estas|dich[oa]s?)\s+(?:presente\s+)?{_PART}\b",
    rf"\b(?:el|la|los|las|del|al)\s+presentes?\s+{_PART}\b",
    r"\b(?:el|del|al)\s+(?:pasaje|extracto|fragmento)\b(?!\s+de)",
    rf"\b(?:segun|en|conforme a)\s+(?:el|la|los|las)\s+{_PART}\b(?!\s+(?:de\b|del\b|sobre|para|que\b|\d))",
    r"\b(?:arriba|anteriormente|mas arriba|mas abajo|a continuacion)\s+(?:mencionad|citad|descrit|indicad)[oa]s?\b",
    r"\b(?:mencionad|citad|descrit|indicad|enumerad|senalad)[oa]s?\s+(?:aqui|arriba|abajo|anteriormente|mas (?:arriba|abajo)|en (?:el|la) "
    r"(?:texto|documento|tabla|lista|pasaje|apartado))\b",
    r"\bse\s+(?:menciona|cita|describe|indica|enumera|senala)n?\s+(?:aqui|arriba|abajo|anteriormente|mas (?:arriba|abajo))\b",
    r"\b(?:susodich|antedich|precitad)[oa]s?\b|\ben este contexto\b|\bpaginas?\s+\d+\b",
    r"\b(?:articulo|apartado|clausula|regla|punto|seccion)\s+\d[\w.]*",
    r"\b\d+(?:\.\d+){1,}\.?[a-z]?\)?(?=\s|$|\?)(?!\s*(?:puntos?|%|por ciento|euros?|km|kilometros?|m\b|kg|horas?|metros?))",
)
# "esta semana" needs nothing before it; "este" alone and "esta" as a verb ("esta permitido": accents are folded) have no noun
_POINTING = (
    r"\b(?:este|esta|estos|estas|ese|esa|esos|esas|aquel|aquella|dich[oa]s?)\s+"
    r"(?!ano|mes|semana|dia|temporada|manana|tarde|noche|tipo|clase|modo|forma|manera|sentido|es\b|son\b|se\b|el\b|la\b|los\b|las\b|en\b|con\b|"
    r"\w+(?:ado|ada|ido|ida|ando|endo|ados|adas|idos|idas|ando)\b|abiert|cerrad|suje|expuest|inclu|exent|obligad|prohibid|list[oa]\b)(\w{3,})"
)
_ABOUT = (
    rf"\b(?:en|de|por|a)\s+(?:que|cual)\s+{_PART}\b",
    r"\b(?:que|cual(?:es)?)\s+(?:(?:es|son)\s+(?:el|la|los|las)\s+)?(?:otr[oa]s?\s+)?(?:articulos?|anexos?|seccion(?:es)?|capitulos?|paginas?|"
    r"parrafos?|apartados?|clausulas?)\b",
    r"\bcual(?:es)? (?:es|son) (?:el|la|los|las) (?:titulo|objeto|tema|nombre|finalidad|objetivo|ambito|referencia|version|fecha|numero) "
    r"(?:del?|de la|de este|de esta|de los|de las) (?:\w+ )?"
    r"(?:documento|texto|articulo|seccion|capitulo|reglamento|normas?|normativa|aviso|guia|anexo|codigo|folleto|estatutos)\b",
    r"\bcuando (?:se )?(?:aprobo|aprobaron|publico|publicaron|actualizo|modifico|entro|entra|entraron|entran)\b.*\b(?:documento|reglamento|normas?|"
    r"normativa|aviso|guia|codigo|version|vigor|estatutos)\b",
    r"\bquien(?:es)? (?:aprobo|aprobaron|redacto|redactaron|escribio|publico|tradujo)\b",
    r"\b(?:que|de que) (?:dice|contiene|trata|describe|menciona|cubre|habla)n?\b.*\b(?:documento|texto|articulo|seccion|capitulo|reglamento|apartado|"
    r"anexo|tabla|aviso|guia)\b|\bde que (?:trata|habla)\b",
    r"\bcuant[oa]s (?:articulos?|secciones|capitulos?|paginas?|parrafos?|apartados?|anexos?|tablas?|definiciones)\b",
    r"\bindice (?:de contenidos|general)\b|\bpreambulo\b|\bglosario\b|\b(?:anexo|capitulo)\s+(?:\d+|[ivx]+)\b",
)
_NUMBERS = (
    "dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince veinte treinta cuarenta cincuenta sesenta cien ciento mil mitad "
    "cuarto tercio tercios doble triple cero ningun ninguno ninguna gratis gratuito gratuita ilimitado un una uno sola solo"
)
_STATES = (
    r"\b(?:es|son|esta|estan|era|eran|fue|fueron|ha|han|hay|debe|deben|puede|pueden|tiene|tienen|sera|seran|podra|podran|debera|deberan|hace|hacen|"
    r"va|van|da|dan|pasa|paga|pagan|pierde|gana|queda|quedan|sirve|exige|exigen|permite|permiten|incluye|incluyen|recibe|reciben|llega|empieza|"
    r"termina|acaba|dura|duran|cuesta|cuestan|vale|sale|abre|cierra|lleva|usa|usan|elige|eligen|decide|deciden|toma|toman|avisa|"
    r"se \w{3,}|no se|\w{3,}(?:aba|aban|ara|aran|era|eran|ira|iran|aron|ieron))\b"
)

PATTERNS = Patterns(
    leaning=re.compile("|".join(_LEANING)),
    pointing=re.compile(_POINTING),
    example=re.compile(r"\ben (?:el|este) (?:ejemplo|dibujo)\b(?!\s+de)|\bejemplo (?:dado|anterior|siguiente)\b"),
    cell=re.compile(
        r"\b(?:celda|fila|columna|tabla|linea|casilla)\s+(?:n\.?\s*[o°]?\s*)?[a-z]?\d+\b|\bvalor(?:es)?\b|\bentre \d+ y \d+\b|\d[,.]\d|\b\d{4}\b|[<>≥≤]"
    ),
    about=re.compile("|".join(_ABOUT)),
    how_many=re.compile(
        r"\bcuant[oa]s?\b|\bcual(?:es)? (?:es|son|era) (?:el|la|los|las) (?:\w+ )?(?:numero|importe|precio|coste|cuota|tarifa|tasa|plazo|duracion|edad|"
        r"distancia|velocidad|temperatura|porcentaje|limite|maxim[oa]|minim[oa])\b|\bque (?:edad|importe|precio|plazo|porcentaje|cantidad)\b"
    ),
    what_is=r"\bcual(?:es)? (?:es|son|era) (?:el|la|los|las)\s+",
    number=re.compile(
        rf"\d|½|\binmediat\w+\b|\bsin demora\b|\b(?:{'|'.join(_NUMBERS.split())}|diari[oa]|semanal|mensual|anual|cada (?:dia|semana|mes|ano))\b"
    ),
    states=re.compile(_STATES),
    pointer=re.compile(r"^\W*(?:vease|ver|cf|idem|consultese)\b"),
    turned=re.compile(r"^\W*(?:es|son|esta|estan|se|ha|han|hay|tiene|tienen|fue|fueron)\b"),
    asks=re.compile(
        r"\b(?:quien(?:es)?|cuando|donde|adonde|como|cual(?:es)?|cuant[oa]s?)\b|^\W*(?:(?:a|de|en|por|para|con|hasta|desde) )?que\b|[,:;] ?\W?que\b"
        r"|\b(?:puedo|puede|pueden|podemos|debo|debe|deben|debemos|hay que|tengo que|tiene que|tienen que|hace falta|permitid\w*|prohibid\w*|"
        r"obligatori\w*|obligad\w*|autorizad\w*)\b"
    ),
    defines=re.compile(
        r"\bque (?:es|son) (?:un|una|unos|unas)\b|\bque (?:significa|quiere decir)|\bse (?:define|entiende por|llama)\b|\bdefinicion\b"
    ),
    asking_words=(
        "tipo número manera forma modo diferencia regla condición procedimiento finalidad objetivo papel decir saber dar explicar consistir servir "
        "depender llamar pasar ocurrir significar existir principal diferente poder deber haber ser estar persona necesitar"
    ),
    orders=re.compile(
        r"\b(?:ignora|ignore|ignorad|olvida|olvide|haz caso omiso)\b.{0,50}\b(?:instruccion(?:es)?|anterior(?:es)?|indicaciones|reglas de evaluacion)\b"
        r"|\bprompt del? sistema\b|\bsystem prompt\b"
    ),
)
