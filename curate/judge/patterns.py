"""Forms of words that give a bad question away, each with what it gives away. ``curate.signals`` applies them.

Patterns are for folded text (lower case, no accents, plain apostrophes: ``plain``), so that one spelling serves for all.
They were written by reading questions that a model wrote over a federation's rules; docs/experiments.md has the counts.
"""

from __future__ import annotations

import re

# Parts of documents: "ce tableau" points at something only the reader of the passage sees, whatever was said before.
_PART = (
    r"(?:textes?|passages?|extraits?|documents?|articles?|paragraphes?|sections?|chapitres?|annexes?|alineas?|tableaux?|tableau|grilles?|"
    r"listes?|schemas?|figures?|pages?|exemples?|formules?|questionnaires?|reglements?|reglementations?|statuts|traductions?|glossaires?|"
    r"charte|fiche|illustrations?|table|ligne|colonne)"
)
_LEANING = (
    rf"\b(?:ce|cet|cette|ces)\s+(?:present\w*\s+)?{_PART}\b",
    r"\b(?:du|au|le|la|les|l'|aux|des)\s*presente?s?\s+\w+",
    r"\b(?:selon|d'apres|dans|suivant|d'apres)\s+(?:le|la|l'|les)\s*(?:textes?|passages?|extraits?|documents?|tableaux?|grilles?|exemples?|"
    r"paragraphes?|illustrations?)\b(?!\s+(?:[a-z]?\.?\d|d['eu]|des\b|officiel|de\b))",
    r"\b(?:selon|d'apres|dans|par|a|de)\s+l'(?:article|annexe)\s+[a-z]?\.?\d[\w.-]*",
    r"\b(?:aux?|des|les|l'|de l'|d'|par l'|a l')\s*articles?\s+[a-z]?\.?\d[\w.-]*",
    r"\bci-(?:dessus|dessous|apres|avant|joint\w*|contre)\b",
    r"\b(?:susmentionne|precite|sus-?vise)\w*",
    r"\b(?:mentionn|cit|decrit|indiqu|evoqu|list|enonc|referenc)\w*\s+(?:ici|plus haut|plus bas|dans (?:le|la|l'|les|ce|cette|cet)\s*"
    r"(?:textes?|passages?|tableaux?|documents?|extraits?|listes?|articles?|paragraphes?)\b)",
    r"\bpages?\s+\d+\b|\bselon les (?:tables?|tableaux)\s*\?|\bdecrite?s?\s*[,?]",
    r"\bdans (?:le|ce) contexte\b(?!\s+d)|\ble cas echeant\s*\?",
    r"\bd'entre (?:eux|elles)\b|\b(?:pour|chez|avec) les autres\s*\?",
    r"\bnote \d+\b|\bregle \d+\b(?! coups)",
    r"\b\d+(?:\.\d+)+\.?[a-z]?\)?(?=\s|$|\?)(?!\s*(?:points?|pts|%|euros?|€))",
)
LEANING = re.compile("|".join(_LEANING))

# Any other "ce tournoi", "cette regle": points outside the question unless the question itself has said of what it speaks.
POINTING = re.compile(
    r"\b(?:ce|cet|cette|ces)\s+(?!qu|dernier|derniere|type|genre|sens|jour|mois|annee|saison|sont|soit|n'|moment|point\b)(\w{3,})"
)
EVENTS = frozenset({"systeme"})  # "ce systeme" needs the system named, however late it comes
ANTECEDENT_WORDS = 7  # words before a demonstrative that are enough to have said what it points at

# One worked example.
EXAMPLE = re.compile(r"\bdans (?:l'|cet |un |les )(?:exemple|illustration)s?\b(?!\s+d)|\bexemple (?:donne|presente|fourni)")
# What only a table of figures is asked for; counted where the passage is such a grid.
CELL = re.compile(
    r"\b(?:case|ligne|colonne|table)\s+(?:n\s*[°o.]?\s*)?[a-z]?\d+\b"
    r"|\b(?![us]\d)[a-z]\d{1,2}\b|\bscore\b|\bvaleurs?\b|\bentre \d+ et \d+\b|\d[,.]\d|\b\d{4}\b|[<>≥≤]"
)

# The document instead of the rule that it states.
_ABOUT = (
    r"\bquel(?:le)?s?\s+(?:(?:est|sont)\s+(?:le|la|l'|les)\s*)?(?:autres?\s+)?(?:articles?|annexes?|sections?|chapitres?|pages?|paragraphes?|"
    r"alineas?|tableaux?|tableau|partie du reglement|reference)\b",
    r"\bquel(?:le)?s?\s+(?:(?:est|sont)\s+(?:le|la|l'|les)\s*)?(?:autres?\s+)?(?:documents?|textes?)\b.{0,60}\b(?:mentionn|cit|decri|regi|fix|"
    r"prevoi|defini|trait|detaill|concern|regle|precis|contien|encadr|etabli|referenc|a ete cree|pose|enonc|consulter)\w*",
    r"\b(?:dans|a|de|par|selon|sous)\s+quel(?:le)?s?\s+(?:article|document|texte|annexe|section|chapitre|page|tableau|paragraphe)s?\b",
    r"\bquel(?:le)?s?\s+(?:est|sont)\s+(?:le titre|l'objet|le sujet|le contenu|le theme|la reference|les references|le code|le nom|l'intitule)\s+"
    r"(?:principale?s?\s+)?(?:de|du|des|d')\s*(?:la |l'|le |ce |cette |cet |ces )?(?:\w+ )?(?:reglement|document|texte|annexe|section|"
    r"chapitre|article|tableau|glossaire|charte|statuts|regles|code|convention|contrat|guide|livre)",
    r"\bquel (?:est|etait) (?:le|la|l')\s*(?:numero|version|date de mise a jour|derniere mise a jour|date de derniere|code de reference)\b"
    r"(?=.*\b(?:tableau|annexe|article|document|version|mise a jour|reglement|section|reference)\b)",
    r"\bquel(?:le)? (?:est|etait|serait) (?:le|la|l')\s*(?:objectif|but|objet|finalite|role|fonction|importance|interet|portee|utilite)\s*(?:principale?)?\s*"
    r"(?:de|du|des|d')\s*(?:la |l'|le |ce |cette |cet |ces |les )?(?:reglement|document|texte|annexe|section|chapitre|article|tableau|"
    r"glossaire|charte|statuts|regles|code|preambule|grille|schema)\b",
    r"\b(?:entree? en vigueur|entr\w+ en vigueur|en vigueur (?:depuis|a partir)|mis(?:e|es)? a jour|date d'effet|prend\w* effet|effectifs?)\b.*\b"
    r"(?:reglements?|reglementations?|regles?|chapitre|version|texte|document|articles?|code|charte)\b",
    r"\b(?:reglements?|regles?|chapitre|version|textes?|documents?|code|charte|statuts?|annexes?)\b.*\b(?:entr\w+ en vigueur|en vigueur|effectifs?|effectives?|"
    r"mis(?:e|es)? a jour|appliqu\w+ depuis|approuve\w*|adopte\w*|publie\w*|modifie\w* (?:le|en)|traduit\w*|redige\w*)\b",
    r"\bquel(?:le)? est le reglement (?:par defaut|applicable|de reference)\b",
    r"\bentr\w+ en vigueur\b|\bqui a (?:dit|declare) que\b",
    r"\bqui a (?:approuve|adopte|redige|traduit|ecrit|publie|valide)\b",
    r"\bde quoi (?:parle|traite)\w*\b|\b(?:que|qu'est-ce que|de quoi) (?:contient|traite|decrit|concerne)\b",
    r"\b(?:ou|comment)\b.*\b(?:trouve\w*|consulte\w*|obtenir|acceder|lire|chercher)\b.*\b(?:informations?|reglements?|regles?|details?|renseignements?|"
    r"precisions?|textes?|documents?|liste|definitions?|statuts?)\b",
    r"\b(?:le|ce|cette|la|l'|les)\s*(?:document|reglement|texte|article|chapitre|annexe|section|glossaire|charte|tableau|regles?)s?\s+"
    r"(?:\w+ ){0,3}(?:parle|mentionne|contient|decrit|traite|aborde|evoque|cite|concerne|s'applique)\w*\b(?=.*\b(?:quoi|quels? sujets?|quelles? parties?)\b)",
    r"\b(?:combien d[e']\s*(?:articles?|annexes?|chapitres?|sections?|pages?|lignes?|colonnes?|tableaux|termes|definitions?|questions?))\b",
    r"\b(?:annexe|chapitre|section|titre|tableau|article)\s+(?:n\s*°?\s*)?(?:\d+|[ivx]+)\b",
    r"\b(?:tables|tableaux|grilles) en annexe\b|\bimage\b|\bsommaire\b|\btable des matieres\b|\bpreambule\b|\bglossaire\b",
    r"\bet pourquoi est-ce important\b|\bpourquoi est-ce important\b",
)
ABOUT = re.compile("|".join(_ABOUT))

# Asks for a number: the passage must hold one.
WHAT_IS = r"\bquel(?:le)?s?\s+(?:est|sont|etait)\s+(?:le|la|l'|les)\s*"
HOW_MANY = re.compile(
    rf"\bcombien\b|{WHAT_IS}(?:nombre|montant|delai|duree|age|tarif|prix|pourcentage|cout|coefficient|somme|indemnite|seuil|quota|taux|frais|"
    r"droits? d'inscription|plancher|plafond|temps)\b"
    r"|\bquel(?:le)?s?\s+(?:est|sont)\s+(?:le|la|les|l')\s*(?!titre|niveau|grade)\w+\s+(?:minimale?|maximale?|minimum|maximum)\b"
    r"|\bquel (?:nombre|montant|delai|age|pourcentage|tarif)\b"
)
_NUMBER_WORDS = (
    "deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize vingt trente quarante cinquante soixante cent mille "
    "moitie quart tiers double triple zero aucun aucune seul seule gratuit gratuite illimite"
)
NUMBER = re.compile(rf"\d|½|\bsans delai\b|\bimmediat\w*|\b(?:{'|'.join(_NUMBER_WORDS.split())})\b")

# A sentence that states something has a finite verb; a caption or a pointer ("Voir article 2") has none.
STATES = re.compile(
    r"\b(?:est|sont|a|ont|doit|doivent|peut|peuvent|sera|seront|aura|auront|fait|font|devra|devront|pourra|pourront|etait|reste|restent|"
    r"n'est|n'a|n'ont|s'applique|s'effectue|faut|convient|suffit|vaut|comprend|compte|gagne|perd|joue|jouent|decide|designe|permet|prevoit|"
    r"(?!souvent|present|different|competent|absent|talent|parent|orient|patient|client|coefficient|quotient|recipient)"
    r"\w{2,}(?:era|eront|erait|issent|oient|uisent|ient|ettent|ndent|quent|lent|rent|tent|sent|vent)|voit|recoit|croit|conduit|produit|suit"
    r"|assure\w*|organise\w*|propose\w*|valide\w*|autorise\w*|applique\w*|represente\w*|indique\w*|verifie\w*|preside\w*|regroupe\w*|comporte\w*|"
    r"concerne\w*|consiste\w*|constitue\w*|entraine\w*|donne\w*|fixe|fixent|definit|dure|\w+ennent)\b"
)
POINTER = re.compile(r"^\W*(?:voir|cf|se reporter|idem)\b")


# A yes/no question; one that asks what is allowed or due, or has a question word, asks something of its own.
TURNED = re.compile(r"-(?:t-)?(?:il|elle|on|ils|elles)\b|^est-ce qu")
ASKS = re.compile(
    r"\b(?:qui|que|quoi|quand|comment|combien|pourquoi|quel\w*|lequel|laquelle|lesquel\w*)\b|\bqu'(?:appelle|entend|est-ce)|^(?:ou|d'ou|jusqu'ou)\b"
    r"|\b(?:peut|puis|peuvent|pouvons|doit|dois|doivent|devons|faut|a-t-\w+ le droit|ai-je le droit|permis|autorise\w*|interdit\w*|obligatoires?)\b"
)


DEFINES = re.compile(r"\bqu'est-ce qu|\bc'est quoi\b|\bdefini|\bsignifie|\bveut dire\b|\bappelle-t-on\b")


def found(pattern: re.Pattern[str], text: str) -> str:
    """What a pattern finds in a plain text, or ""."""
    match = pattern.search(text)
    return match.group().strip() if match else ""
