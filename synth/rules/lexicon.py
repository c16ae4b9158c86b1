"""Word lists of the rules writer: genders, h aspiré, generic words, synonyms. Data, no code."""

from __future__ import annotations

H_ASPIRATED = (
    "haie", "haine", "hall", "halte", "hand", "hangar", "hasard", "hausse", "haut", "héros", "hiérarchi", "hors", "honte", "huée", "huit",
    "hurle", "heurt", "hocke", "homolo_", "harcel", "harcèl", "handicap", "hache", "haleter", "haranguer",
)  # fmt: skip
MASCULINE = frozenset(
    """
    arbitre joueur adversaire capitaine organisateur président secrétaire trésorier directeur membre licencié club tournoi match coup
    roi pion fou cavalier roque échec mat pat échiquier appariement classement titre départage forfait retard score point résultat temps
    drapeau incrément règlement article droit litige appel comité bureau conseil arbitrage handicap délai mandat vote scrutin budget
    exercice recours candidat dirigeant délégué responsable superviseur participant spectateur élève jeune mineur vétéran senior pair
    groupe championnat système calcul nombre total barème prix trophée dossier formulaire document rapport stage examen séminaire
    diplôme cas fait type mode ordre tirage numéro jour mois an âge lieu local espace matériel téléphone appareil organe système
    statut contrat objet programme plan service public médecin contrôle certificat questionnaire traitement sportif athlète
    gain gagnant perdant vainqueur exempt bye elo coefficient seuil maximum minimum quota refus accord avis arrêt abandon trait
    transfert changement départ accès échange signal écran ordinateur site serveur logiciel compte contrevenant assistant adjoint
    tableau procès-verbal représentant responsable tuteur parent entraîneur accompagnateur collège lycée établissement département
    """.split()
)
FEMININE = frozenset(
    """
    partie pièce dame tour case couleur prise promotion pendule horloge feuille ronde équipe épreuve compétition cadence règle offre
    demande réclamation sanction pénalité amende exclusion licence fédération ligue commission assemblée décision personne joueuse
    arbitre_ capitaine_ finale phase poule division nationale zone coupe somme moyenne performance différence norme liste date heure
    minute seconde durée moitié victoire défaite nulle égalité exemption absence présence participation inscription adhésion affiliation
    cotisation saison année séance réunion convocation notification procédure instance plainte enquête audition mesure faute
    infraction conduite tenue aire salle zone table position colonne rangée diagonale notation lettre chaîne main touche répétition
    triche tricherie inspection fouille voix majorité place indemnité dépense recette facture somme caution homologation féminine
    catégorie parité mixité jeune_ nationalité mutation composition classe école académie convention mission charte éthique
    sécurité santé lutte substance autorisation aide assistance annexe section ligne fin base clé méthode formule valeur
    tête chance loi plateforme webcam caméra connexion
    """.split()
)
FEMININE_ENDINGS = (
    "tion",
    "sion",
    "xion",
    "té",
    "ence",
    "ance",
    "ure",
    "ette",
    "euse",
    "trice",
    "ade",
    "ée",
    "ité",
    "ise",
    "itude",
    "ie",
)
MASCULINE_ENDINGS = ("ment", "age", "eur", "teur", "isme", "oir", "ier", "al", "ant", "eau", "et", "er", "if", "ien", "on", "at")
# who can act: "Qui ...?" and duties are asked of these heads
PERSONS = frozenset(
    """
    arbitre joueur adversaire capitaine organisateur président secrétaire trésorier directeur membre licencié club comité bureau conseil commission
    assemblée fédération ligue équipe personne responsable délégué candidat dirigeant superviseur participant spectateur médecin assistant adjoint
        représentant tuteur entraîneur accompagnateur direction organe instance association athlète stagiaire formateur arbitres joueurs
    équipes capitaines
        clubs organisateurs membres licenciés candidats dirigeants ligues comités spectateurs personnes blancs noirs contrevenant perdant
    gagnant vainqueur
    jury ministre arb inf ctf dsc dra dda fpl edc gsc acl nro ecu état ffe fide dna cdje joueuse joueuses officiel officiels auteur
    """.split()
)
# words that most passages of a rule book hold: they do not say what a question is about
GENERIC = frozenset(
    """
    joueur joueuse arbitre partie tournoi équipe compétition règlement article club doit peut règle cas personne adversaire échecs
    championnat fédération ffe fide faire être avoir match jeu jouer fédéral national organisateur capitaine ronde décision demande
    nombre responsable membre concerné prévu risque passe possible prévoir situation chose moment question devient droit suite agir
    faut devoir pouvoir utiliser utilisé utilisée utilisés employé
    """.split()
)
# what only points at something said before: alone it asks about nothing
VAGUE = frozenset(
    """
    version situation raison limite chose phase principe point élément condition cas procédure système mesure disposition obligation manière moyen geste
        réaction réponse solution conséquence résumé méthode mot terme exception refus somme produit idée base définition domaine champ
    règle disposition notion remarque rappel exigence
    exemple erreur moment question différence intention ensemble reste autre opération action effet résultat présence état
    """.split()
)
# things of the game that a bare "la pendule" names well enough
KNOWN_THINGS = frozenset(
    """
        partie parties pièce pièces roi rois dame dames tour tours fou fous cavalier cavaliers pion pions pendule pendules horloge drapeau
    échiquier nulle mat
        pat échec roque promotion coup coups résultat licence licences classement elo cadence cadences ronde rondes match matchs tournoi
    tournois compétition
    championnat coupe règlement statuts appariement appariements couleurs forfait forfaits appel téléphone téléphones portable départage départages
    incrément colonne rangée diagonale case cases norme normes titre titres homologation mutation transfert affiliation inscription inscriptions stage
    examen assemblée élection élections mandat budget cotisation finale spectateurs public triche tricherie abandon exempt bye flotteur flotteurs
        réclamation réclamations procès-verbal composition résultats offre proposition victoire défaite zeitnot analyse notation ajournement
    enveloppe blitz rapide handicap plateforme webcam caméra fide ffe dna procuration quorum dopage
    """.split()
)
SANCTIONS = (
    "sanction", "pénalit", "amende", "exclu", "avertissement", "perd la partie", "partie perdue", "partie est perdue", "perdue",
    "suspen", "disqualif", "puni", "retrait", "perte de la partie",
)  # fmt: skip
NUMBERS = (
    "un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize vingt trente quarante cinquante soixante "
    "soixante-quinze quatre-vingt-dix cent mille"
)
UNITS = (
    "minutes? secondes? heures? jours? semaines? mois ans années? points? demi-points? coups? joueurs? joueuses? équipes? membres? licenciés? parties "
    "rondes? matchs? euros? € arbitres? voix cases? pièces? pions? exemplaires? échiquiers? groupes? places? titres? normes? personnes? candidats? "
    "fois tours? phases? divisions? mètres? cm"
)
# words that keep their capital when a title in capitals is written small
NAMES = frozenset(
    """
    france fide ffe elo loubatière jean claude molter buchholz berger sonneborn berlin koya monaco europe échecs_ dna cdje aut chess960 paca
    bouches-du-rhône top n1 n2 n3 n4 a b roger ferry
    """.split()
)
# phrase -> others that say the same; gender and number agree, so that the sentence around still fits
SYNONYMS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"\bla pendule\b", ("l'horloge",)),
    (r"\bune pendule\b", ("une horloge",)),
    (r"\bpendules\b", ("horloges",)),
    (r"\bfeuille de partie\b", ("feuille de notation",)),
    (r"\bfeuilles de partie\b", ("feuilles de notation",)),
    (r"\blors d(?=[eu']|es)", ("au cours d",)),
    (r"\ben cas de retard\b", ("s'il y a du retard",)),
    (r"\bà l'issue d(?=[eu'])", ("à la fin d",)),
    (r"\bpréalablement à\b", ("avant",)),
    (r"\bafin qu(?=[e'])", ("pour qu",)),
    (
        r"\bsouhaite\b",
        (
            "veut",
            "désire",
        ),
    ),
    (
        r"\bsouhaitent\b",
        (
            "veulent",
            "désirent",
        ),
    ),
    (r"\bconstate\b", ("remarque",)),
    (r"\brencontres\b", ("matchs",)),
    (r"\bau minimum\b", ("au moins",)),
    (r"\bau maximum\b", ("au plus",)),
    (
        r"\btéléphone portable\b",
        (
            "portable",
            "smartphone",
        ),
    ),
    (r"\bla partie nulle\b", ("la nulle",)),
    (
        r"\bcoup illégal\b",
        (
            "coup irrégulier",
            "coup interdit",
        ),
    ),
    (r"\bcoups illégaux\b", ("coups irréguliers",)),
    (
        r"\bimmédiatement\b",
        (
            "tout de suite",
            "aussitôt",
        ),
    ),
    (r"\baussitôt\b", ("tout de suite",)),
    (r"\bsur-le-champ\b", ("immédiatement",)),
    (r"\bobligatoirement\b", ("forcément",)),
    (r"\bégalement\b", ("aussi",)),
    (r"\bapposer sa signature\b", ("signer",)),
    (r"\bainsi que\b", ("et",)),
    (r"\bnotifié(e?s?)\b", (r"communiqué\1",)),
    (r"\btransmis(?=\s)", ("envoyé",)),
    (
        r"\btransmettre\b",
        (
            "envoyer",
            "faire parvenir",
        ),
    ),
    (r"\bcommuniquer\b", ("transmettre",)),
    (
        r"\bdésigner\b",
        (
            "nommer",
            "choisir",
        ),
    ),
    (r"(?<=[Qq]ui )désigne\b", ("nomme",)),
    (
        r"\best désigné(e?)(?=\s(?:par|comme|l'arbitre|le capitaine|le directeur|le président)\b)",
        (
            r"est nommé\1",
            r"est choisi\1",
        ),
    ),
    (
        r"\bsont désigné(e?)s(?=\s(?:par|comme|les arbitres|les capitaines|les membres)\b)",
        (
            r"sont nommé\1s",
            r"sont choisi\1s",
        ),
    ),
    (r"\badresser\b", ("envoyer",)),
    (r"\best autorisé à\b", ("peut",)),
    (r"\bdans l'obligation de\b", ("obligé de",)),
    (r"\btenu de\b", ("obligé de",)),
    (r"\bspectateurs\b", ("personnes du public",)),
    (r"\bcadence rapide\b", ("partie rapide",)),
    (
        r"\bl'aire de jeu\b",
        (
            "la salle de jeu",
            "la zone de jeu",
        ),
    ),
    (r"\bla zone de jeu\b", ("l'aire de jeu",)),
    (r"\bà tout moment\b", ("n'importe quand",)),
    (r"\bs'élève à\b", ("est de",)),
    (r"\btoutefois\b", ("pourtant",)),
)
