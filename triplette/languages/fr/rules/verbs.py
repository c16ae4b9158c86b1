"""Present-tense verb forms of rule texts: what stands for a finite verb in a sentence, and its infinitive and number.

A closed list and not a guess by endings, since half of these forms ("marque", "compte", "offre") are nouns too; the clause parser
looks at the word before.
"""

from __future__ import annotations

from dataclasses import dataclass

_REGULAR = """
abandonner accepter accompagner accorder ajouter ajuster amener annoncer annuler appliquer apporter apprécier approuver appuyer arrêter
arriver assister assurer attaquer attester attribuer attraper augmenter autoriser avancer aviser bénéficier bloquer bouger cacher calculer capturer
causer certifier cesser changer chercher choisir_ classer cocher coller commencer commettre_ communiquer compenser compléter comporter compter
concerner conditionner conseiller conserver consigner consister constater constituer consulter contacter contenir_ contester continuer contrôler
convoquer copier corriger coucher couper coûter créer croiser céder dater demander demeurer départager dépasser dépendre_ déplacer déposer
désigner dessiner déterminer devenir_ dicter diffuser diminuer diriger disposer distinguer distribuer donner doubler durer décaler décider
déclarer déclencher décompter définir_ dégager délivrer démarrer désavantager effacer effectuer emmener empêcher employer encadrer engager
enregistrer entamer entraîner envoyer essayer estimer établir_ étudier évaluer éviter examiner excéder exclure_ excuser exécuter exercer exiger
exister exposer exprimer éliminer expirer fermer figurer filmer fixer former fonctionner franchir_ gagner garder gérer gêner habiliter homologuer
ignorer imposer indiquer infliger informer inspecter installer interroger intervenir_ inviter jouer juger justifier laisser lever libérer limiter
lister mater manipuler manquer marquer mener menacer mentionner mériter montrer nécessiter nommer noter notifier nuire_ numéroter observer occuper
organiser oublier parler participer passer payer pencher penser permuter placer porter posséder poser pouvoir_ pratiquer préciser préférer préparer
présenter présider prévaloir_ priver procéder programmer prolonger proposer protéger provoquer publier quitter rallonger ramener ranger rappeler
rapporter réaliser réclamer reculer récupérer rédiger refuser régler rejeter rejouer remplacer rencontrer renoncer rentrer représenter renverser
reporter réserver résider respecter rester résulter retarder retirer retourner retrouver réviser risquer roquer saluer sanctionner sauter sélectionner
sembler séparer servir_ siéger signaler signer signifier soulever soumettre_ stopper succéder supprimer surveiller suspendre_ tenter tirer tolérer
tomber toucher transformer transmettre_ travailler trancher traverser tricher trouver utiliser valider varier vérifier verser viser voter
additionner adresser afficher affecter alterner alimenter appartenir_ attester baser cadrer citer collaborer comparer composer concourir_ confirmer
débuter déroger disputer dispenser écarter écouler élaborer émaner entériner équivaloir_ évoluer favoriser fournir_ garantir_ habiter instruire_
interdire_ licencier mesurer motiver muter neutraliser obliger opter ouvrir_ parer piloter planifier postuler pointer prouver qualifier recenser
recommander reconduire_ récompenser rectifier réduire_ regrouper réguler relancer relever remonter rembourser renouveler renseigner repousser
reprocher requérir_ restituer saisir_ seconder solliciter soupçonner statuer subordonner superviser tarder tenir_ terminer totaliser traiter
transcrire_ troubler user valoriser veiller venger voyager échanger échapper échouer égaler entourer filer insister investir_ manger miner
effleurer frôler heurter croquer chuter forfaiter interposer décerner délimiter délibérer déléguer démissionner destiner détenir_ développer diviser
regarder accuser protester briguer exclure_ observer attribuer assumer dérouler résoudre_ documenter embarquer engager recueillir_ souhaiter
partager résumer repartir_ remarquer redémarrer reproduire_ sacrifier clouer
mémoriser consommer approcher éloigner empiéter bousculer défendre_ reconstituer rectifier récapituler assimiler rattacher intégrer doter
opposer confronter affronter apparier hiérarchiser regrouper agréer accréditer archiver publier révoquer nuancer motiver embarquer encaisser
énoncer énumérer escompter étendre_ exploiter faciliter faillir_ faucher imputer inclure_ incomber incrémenter
"""
_IRREGULAR = {
    "être": ("est", "sont"), "avoir": ("a", "ont"), "devoir": ("doit", "doivent"), "pouvoir": ("peut", "peuvent"), "faire": ("fait", "font"),
    "prendre": ("prend", "prennent"), "perdre": ("perd", "perdent"), "mettre": ("met", "mettent"), "permettre": ("permet", "permettent"),
    "remettre": ("remet", "remettent"), "soumettre": ("soumet", "soumettent"), "transmettre": ("transmet", "transmettent"),
    "commettre": ("commet", "commettent"), "promettre": ("promet", "promettent"), "recevoir": ("reçoit", "reçoivent"),
    "apercevoir": ("aperçoit", "aperçoivent"), "percevoir": ("perçoit", "perçoivent"), "choisir": ("choisit", "choisissent"),
    "définir": ("définit", "définissent"), "établir": ("établit", "établissent"), "rétablir": ("rétablit", "rétablissent"),
    "franchir": ("franchit", "franchissent"), "fournir": ("fournit", "fournissent"), "garantir": ("garantit", "garantissent"),
    "saisir": ("saisit", "saisissent"), "réunir": ("réunit", "réunissent"), "investir": ("investit", "investissent"),
    "avertir": ("avertit", "avertissent"), "finir": ("finit", "finissent"), "remplir": ("remplit", "remplissent"), "agir": ("agit", "agissent"),
    "réussir": ("réussit", "réussissent"), "subir": ("subit", "subissent"), "obtenir": ("obtient", "obtiennent"),
    "tenir": ("tient", "tiennent"), "contenir": ("contient", "contiennent"), "détenir": ("détient", "détiennent"),
    "appartenir": ("appartient", "appartiennent"), "maintenir": ("maintient", "maintiennent"), "venir": ("vient", "viennent"),
    "devenir": ("devient", "deviennent"), "intervenir": ("intervient", "interviennent"), "revenir": ("revient", "reviennent"),
    "prévenir": ("prévient", "préviennent"), "convenir": ("convient", "conviennent"), "parvenir": ("parvient", "parviennent"),
    "disparaître": ("disparaît", "disparaissent"), "connaître": ("connaît", "connaissent"), "apparaître": ("apparaît", "apparaissent"),
    "reconnaître": ("reconnaît", "reconnaissent"), "naître": ("naît", "naissent"), "rendre": ("rend", "rendent"),
    "attendre": ("attend", "attendent"), "entendre": ("entend", "entendent"), "étendre": ("étend", "étendent"), "prétendre": ("prétend", "prétendent"),
    "descendre": ("descend", "descendent"), "dépendre": ("dépend", "dépendent"), "répondre": ("répond", "répondent"), "suspendre": ("suspend", "suspendent"),
    "correspondre": ("correspond", "correspondent"), "reprendre": ("reprend", "reprennent"), "comprendre": ("comprend", "comprennent"),
    "surprendre": ("surprend", "surprennent"), "apprendre": ("apprend", "apprennent"), "entreprendre": ("entreprend", "entreprennent"),
    "dire": ("dit", "disent"), "interdire": ("interdit", "interdisent"), "lire": ("lit", "lisent"), "élire": ("élit", "élisent"),
    "écrire": ("écrit", "écrivent"), "inscrire": ("inscrit", "inscrivent"), "prescrire": ("prescrit", "prescrivent"),
    "conduire": ("conduit", "conduisent"), "produire": ("produit", "produisent"), "réduire": ("réduit", "réduisent"),
    "suivre": ("suit", "suivent"), "poursuivre": ("poursuit", "poursuivent"), "vivre": ("vit", "vivent"), "voir": ("voit", "voient"),
    "prévoir": ("prévoit", "prévoient"), "savoir": ("sait", "savent"), "valoir": ("vaut", "valent"), "falloir": ("faut", "faut"),
    "vouloir": ("veut", "veulent"), "ouvrir": ("ouvre", "ouvrent"), "offrir": ("offre", "offrent"), "couvrir": ("couvre", "couvrent"),
    "découvrir": ("découvre", "découvrent"), "partir": ("part", "partent"), "sortir": ("sort", "sortent"), "servir": ("sert", "servent"),
    "dormir": ("dort", "dorment"), "courir": ("court", "courent"), "concourir": ("concourt", "concourent"), "exclure": ("exclut", "excluent"),
    "inclure": ("inclut", "incluent"), "conclure": ("conclut", "concluent"), "aller": ("va", "vont"), "battre": ("bat", "battent"),
    "requérir": ("requiert", "requièrent"), "acquérir": ("acquiert", "acquièrent"), "rejoindre": ("rejoint", "rejoignent"),
    "atteindre": ("atteint", "atteignent"), "joindre": ("joint", "joignent"), "contraindre": ("contraint", "contraignent"),
    "élever": ("élève", "élèvent"), "lever": ("lève", "lèvent"), "relever": ("relève", "relèvent"), "soulever": ("soulève", "soulèvent"),
    "amener": ("amène", "amènent"), "mener": ("mène", "mènent"), "emmener": ("emmène", "emmènent"), "ramener": ("ramène", "ramènent"),
    "rappeler": ("rappelle", "rappellent"), "appeler": ("appelle", "appellent"), "rejeter": ("rejette", "rejettent"), "jeter": ("jette", "jettent"),
    "renouveler": ("renouvelle", "renouvellent"), "envoyer": ("envoie", "envoient"), "employer": ("emploie", "emploient"),
    "appuyer": ("appuie", "appuient"), "essayer": ("essaie", "essaient"), "payer": ("paie", "paient"), "bouger": ("bouge", "bougent"),
    "nuire": ("nuit", "nuisent"), "prévaloir": ("prévaut", "prévalent"), "équivaloir": ("équivaut", "équivalent"), "traduire": ("traduit", "traduisent"),
    "instruire": ("instruit", "instruisent"), "relire": ("relit", "relisent"), "mordre": ("mord", "mordent"), "admettre": ("admet", "admettent"),
}  # fmt: skip
_FUTURE = {
    "devra": ("devoir", False), "devront": ("devoir", True), "pourra": ("pouvoir", False), "pourront": ("pouvoir", True),
    "sera": ("être", False), "seront": ("être", True), "aura": ("avoir", False), "auront": ("avoir", True),
    "perdra": ("perdre", False), "recevra": ("recevoir", False), "fera": ("faire", False), "feront": ("faire", True),
    "devrait": ("devoir", False), "devraient": ("devoir", True), "pourrait": ("pouvoir", False), "pourraient": ("pouvoir", True),
    "prendra": ("prendre", False), "prendront": ("prendre", True), "permettra": ("permettre", False), "comprendra": ("comprendre", False),
}  # fmt: skip


_NO_FUTURE = frozenset(
    "courir acquérir requérir tenir venir obtenir contenir mourir aller envoyer appeler jeter rejeter lever mener amener".split()
)


@dataclass(frozen=True, slots=True)
class Form:
    """A finite form: its infinitive and number."""

    infinitive: str
    plural: bool


def _er_forms(infinitive: str) -> tuple[str, str]:
    stem = infinitive[:-2]
    for vowel, accent in (("é", "è"),):
        for length in (1, 2):
            if len(stem) > length and stem[-1 - length] == vowel and not any(c in "aeiouyéè" for c in stem[-length:]):
                stem = stem[: -1 - length] + accent + stem[-length:]
                return stem + "e", stem + "ent"
    return stem + "e", stem + "ent"


def _forms() -> tuple[dict[str, Form], dict[str, tuple[str, str]]]:
    pairs = dict(_IRREGULAR)
    for infinitive in _REGULAR.split():
        if not infinitive.endswith("_") and infinitive not in pairs:
            pairs[infinitive] = _er_forms(infinitive)
    forms = {name: Form(infinitive, plural) for name, (infinitive, plural) in _FUTURE.items()}
    for infinitive, (singular, plural_form) in pairs.items():
        if infinitive.endswith(("er", "ir")) and infinitive not in _NO_FUTURE:
            forms.setdefault(f"{infinitive}a", Form(infinitive, False))
            forms.setdefault(f"{infinitive}ont", Form(infinitive, True))
        forms.setdefault(plural_form, Form(infinitive, True))
        forms.setdefault(singular, Form(infinitive, False))
    return forms, pairs


FORMS, PAIRS = _forms()
INFINITIVES = frozenset(PAIRS)


def singular(verb: str) -> str:
    """The third person singular of a finite form: "doivent" -> "doit"."""
    if verb.endswith(("ront", "raient")) and verb not in ("entront",):
        return verb.removesuffix("ont") + "a" if verb.endswith("ront") else verb.removesuffix("aient") + "ait"
    if verb in _FUTURE or verb.endswith(("era", "ira")):
        return verb
    return PAIRS[FORMS[verb].infinitive][0]


_PARTICIPLES = {
    "remis": "remettre", "transmis": "transmettre", "pris": "prendre", "fait": "faire", "inscrit": "inscrire", "fourni": "fournir",
    "défini": "définir", "établi": "établir", "choisi": "choisir", "mis": "mettre", "rendu": "rendre", "reçu": "recevoir", "admis": "admettre",
    "exclu": "exclure", "suspendu": "suspendre", "écrit": "écrire", "soumis": "soumettre", "élu": "élire", "joint": "joindre",
    "rempli": "remplir", "averti": "avertir", "rétabli": "rétablir", "interdit": "interdire", "conduit": "conduire", "ouvert": "ouvrir",
}  # fmt: skip


def infinitive_of(participle: str) -> str:
    """The infinitive of a past participle ("signées" -> "signer"), or "" when it is not one we know."""
    bare = participle.removesuffix("s") if not participle.endswith(("mis", "pris")) else participle
    for form in (bare, bare.removesuffix("e")):
        if form in _PARTICIPLES:
            return _PARTICIPLES[form]
        if form.endswith("é") and form[:-1] + "er" in INFINITIVES:
            return form[:-1] + "er"
    return ""
