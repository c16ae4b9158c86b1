"""Spanish words: which carry no meaning, and which abbreviations end no sentence. Nothing is elided but "al" and "del", which are stop words."""

from __future__ import annotations

import re

ABBREVIATION = re.compile(
    r"(?:\b(?:art|arts|apdo|cap|cf|ej|etc|p|pp|pág|págs|Sr|Sra|Sres|Dr|Dra|D|Dña|Ud|Uds|núm|n|máx|mín|aprox|tel|vol|fig|ss|Avda|EE)|\b[A-Z])\.$"
)
STOP_WORDS = frozenset(
    """
    a al algo ante antes así aun aunque bajo cada como con cual cuales cuando cuánta cuántas cuánto cuántos cuál cuáles cuándo cómo de debe deben del
    desde donde dónde dos durante e el él ella ellas ellos en entre era eran es esa esas ese eso esos esta estas este esto estos está están fue fueron
    ha haber había han hasta hay haya la las le les lo los más me mediante mi mis mientras muy ni no nos nuestra nuestro o otra otras otro otros para
    pero por porque pueda pueden puede pues que qué quien quienes quién quiénes se sea sean según ser si sido sin sobre son su sus tal también tan
    tanto te tiene tienen toda todas todo todos tras tu tus u un una unas uno unos y ya yo
    """.split()
) - {"dos"}
