"""English: forms of words that give a bad question away (``languages.patterns`` says what each is for)."""

from __future__ import annotations

import re

from triplette.languages.patterns import Patterns

_PART = (
    r"(?:texts?|passages?|excerpts?|extracts?|documents?|articles?|paragraphs?|sections?|chapters?|appendix|appendices|annexe?s?|clauses?|"
    r"tables?|grids?|lists?|diagrams?|figures?|pages?|examples?|polic(?:y|ies)|regulations?|notices?|guidelines?|leaflets?|glossar(?:y|ies))"
)
_UNITS = (
    r"points?|%|per ?cent|[kcm]?m\b|[km]?g\b|[cm]?l\b|°|[ap]\.?m\b|mph|km/h|(?:kilo|centi|milli)?(?:met(?:re|er)|gram|lit(?:re|er))s?|miles?|yards?|"
    r"f(?:oo|ee)t|inch(?:es)?|acres?|hectares?|square|cubic|tonnes?|tons?|pounds?|ounces?|pints?|gallons?|bars?|volts?|watts?|amps?|degrees?|"
    r"seconds?|minutes?|hours?|days?|weeks?|months?|years?|dollars?|euros?|pence|(?:thousand|million|billion)s?|times"
)
_LEANING = (
    rf"\b(?:this|these)\s+{_PART}\b",
    r"\b(?:that|the)\s+(?:passage|excerpt|extract)\b",
    r"\b(?:according to|in|per|under|based on)\s+the\s+(?:(?:given|above|following|provided)\s+)?(?:texts?|documents?|tables?|lists?|articles?|"
    r"sections?|paragraphs?)\b(?!\s+(?:of|on|for|\d))",
    r"\bthe (?:present|given|above|following|aforementioned|provided) \w+",
    r"\b(?:above-?mentioned|aforementioned|aforesaid|hereinafter|herein|hereby)\b",
    r"\b(?:mentioned|listed|described|stated|cited|shown|given|outlined)\s+(?:here|above|below|in the (?:text|document|table|list|passage))\b",
    r"\bpages?\s+\d+\b|\bin this context\b|\b(?:section|article|clause|rule|paragraph)\s+\d[\w.]*",
    # a decimal point is written like a place: an amount has its sign before it or its unit behind it, an hour its preposition
    rf"(?<![£$€])(?<!\bat )\b\d+(?:\.\d+)+\.?[a-z]?\)?(?=\s|$|\?)(?!\s*(?:{_UNITS}))",
)
# "this means" and "this year" need nothing before them
_POINTING = (
    r"\b(?:this|these|those)\s+(?!is|are|was|were|year|month|week|season|day|time|kind|type|sort|way|case|mean|does|do|can)(\w{3,})"
)
_ABOUT = (
    rf"\b(?:which|what)\s+(?:other\s+)?{_PART}\b(?!\s+of (?:food|bike|person))",
    r"\bwhat is the (?:title|subject|topic|name|purpose|aim|scope|reference|version|date|number) of (?:the|this|these) (?:\w+ )?"
    r"(?:document|text|article|section|chapter|policy|regulations?|rules|notice|guidelines?|appendix|code|leaflet)\b",
    r"\bwhen (?:was|did|were|will|does) (?:the|this|these) (?:\w+ )?(?:document|policy|regulations?|rules|notice|guidelines?|code|version)\b.*\b"
    r"(?:adopted|approved|published|updated|revised|amended|issued|effective|come into force|take effect)\b",
    r"\bwho (?:approved|adopted|wrote|drafted|published|translated)\b",
    r"\bwhat (?:does|do) (?:the|this|these) (?:\w+ )?(?:document|text|article|section|chapter|policy|notice|appendix|table) (?:contain|cover|describe|"
    r"say|deal with|mention|discuss)\b",
    r"\bhow many (?:articles?|sections?|chapters?|pages?|paragraphs?|clauses?|appendices|tables?|definitions?)\b",
    r"\btable of contents\b|\bpreamble\b|\bglossary\b|\b(?:appendix|annex|chapter)\s+(?:\d+|[a-z]\b|[ivx]+\b)",
)
_NUMBERS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen twenty thirty forty fifty sixty hundred "
    "thousand half quarter third double twice once zero none no free unlimited"
)
_STATES = (
    r"\b(?:is|are|was|were|be|been|has|have|had|must|may|shall|should|will|can|cannot|could|would|does|do|did|means?|applies|apply|needs?|requires?|"
    r"takes?|gets?|gives?|keeps?|makes?|counts?|costs?|lasts?|wins?|loses?|begins?|ends?|starts?|opens?|closes?|pays?|allows?|covers?|includes?|"
    r"contains?|provides?|ensures?|decides?|becomes?|remains?|holds?|uses?|runs?|wears?|rides?|checks?|reports?|\w{3,}(?:ed|izes?|ifies))\b"
    r"|^(?:always|never|do not|please|keep|wear|use|check|report|wash|store|ride|call|stop|ask|bring|leave|take)\b"
)

PATTERNS = Patterns(
    leaning=re.compile("|".join(_LEANING)),
    pointing=re.compile(_POINTING),
    example=re.compile(r"\bin (?:the|this) (?:example|illustration)\b(?!\s+of)|\bexample (?:given|shown|provided)\b"),
    cell=re.compile(
        r"\b(?:cell|row|column|table|line)\s+(?:no\.?\s*)?[a-z]?\d+\b|\bvalues?\b|\bbetween \d+ and \d+\b|\d[,.]\d|\b\d{4}\b|[<>≥≤]"
    ),
    about=re.compile("|".join(_ABOUT)),
    how_many=re.compile(
        r"\bhow (?:many|much|long|old|far|often|high|fast|soon)\b|\bwhat (?:is|are|was) the (?:\w+ )?(?:number|amount|price|cost|fee|rate|share|"
        r"percentage|limit|deadline|duration|age|distance|speed|temperature|maximum|minimum)\b"
    ),
    what_is=r"\bwhat (?:is|are|was) the\s+",
    number=re.compile(
        rf"\d|½|\bimmediately\b|\bwithout delay\b|\b(?:{'|'.join(_NUMBERS.split())}|daily|weekly|monthly|yearly|annually)\b"
    ),
    states=re.compile(_STATES, re.MULTILINE),
    pointer=re.compile(r"^\W*(?:see|cf|refer to|as above|ditto)\b"),
    turned=re.compile(r"^(?:is|are|was|were|do|does|did|has|have|will|would)\b"),
    asks=re.compile(
        r"\b(?:who|whom|whose|what|when|where|why|how|which)\b|\b(?:can|may|must|should|shall|allowed|permitted|required|obliged|forbidden|"
        r"compulsory|mandatory|need to|have to)\b"
    ),
    defines=re.compile(r"\bwhat (?:is|are) (?:a|an)\b|\bwhat does .*\bmean\b|\bmeant by\b|\bdefin|\bdefinition\b|\bcalled\b"),
    asking_words=(
        "kind type number way manner difference rule condition procedure purpose aim role say know give explain consist serve depend call happen "
        "mean exist main different need allow able possible person people someone"
    ),
    orders=re.compile(r"\b(?:ignore|disregard|forget)\b.{0,40}\b(?:previous|above|prior|instructions?)\b|\bsystem prompt\b"),
)
