"""Word lists of French: genders, h aspiré, generic words, synonyms. Data, no code; a profile adds its domain's own (``vocabulary``)."""

from __future__ import annotations

H_ASPIRATED = (
    "haie", "haine", "hall", "halte", "hand", "hangar", "hasard", "hausse", "haut", "héros", "hiérarchi", "hors", "honte", "huée", "huit",
    "hurle", "heurt", "hocke", "homolo_", "harcel", "harcèl", "handicap", "hache", "haleter", "haranguer",
)  # fmt: skip
MASCULINE = frozenset(
    """
    abandon accompagnateur accord accès adjoint an appareil appel arrêt article assistant avis barème budget bureau calcul
    candidat cas certificat changement classement club coefficient collège comité compte conseil contrat contrôle diplôme
    directeur dirigeant document dossier droit délai délégué départ département entraîneur espace examen exercice fait formulaire
    groupe jeune jour lieu litige local logiciel lycée mandat matériel maximum membre mineur minimum mode mois médecin nombre
    numéro objet ordinateur ordre organe organisateur pair parent participant plan point prix procès-verbal programme président
    public questionnaire quota rapport recours refus représentant responsable retard règlement résultat score scrutin secrétaire
    senior serveur service seuil signal site spectateur stage statut superviseur système séminaire tableau temps tirage titre
    musée lycée incendie génie silence stade grade côté traité comité arrêté été
    total traitement transfert trésorier tuteur type téléphone vote âge échange écran élève établissement
    """.split()
)
FEMININE = frozenset(
    """
    absence académie adhésion affiliation aide aire amende annexe année assemblée assistance audition autorisation base caméra
    case catégorie caution chance charte chaîne classe clé colonne commission composition compétition conduite connexion
    convention convocation cotisation couleur coupe date demande diagonale différence division durée décision défaite dépense
    enquête exclusion exemption facture faute feuille fin finale formule fouille fédération heure horloge indemnité infraction
    inscription inspection instance lettre licence ligne liste loi lutte main majorité mesure minute mission mixité moitié moyenne
    mutation méthode nationale nationalité norme notification offre parité participation performance personne phase place plainte
    plateforme position procédure présence pénalité rangée recette règle réclamation répétition réunion saison salle sanction
    santé seconde section somme substance séance sécurité table tenue touche tour tête valeur victoire voix webcam zone école
    égalité épreuve équipe éthique
    boisson cuisson moisson façon leçon rançon maison raison chanson prison chaleur largeur longueur hauteur profondeur odeur fleur
    erreur vapeur humeur douleur faveur rigueur peur page plage image cage nage eau peau mer soif
    """.split()
)
FEMININE_ENDINGS = (
    "tion",
    "aison",
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
    accompagnateur adjoint assemblée assistant association auteur bureau candidat candidats club clubs comité comités commission
    conseil directeur direction dirigeant dirigeants délégué entraîneur formateur instance jury membre membres ministre médecin
    organe organisateur organisateurs participant personne personnes président représentant responsable secrétaire spectateur
    spectateurs stagiaire superviseur trésorier tuteur équipe équipes état
    usager usagers adhérent adhérents client clients salarié salariés employé employés employeur enfant enfants parents lecteur lecteurs
    visiteur visiteurs utilisateur utilisateurs abonné abonnés locataire locataires propriétaire patient patients gérant agent agents
    bénévole bénévoles animateur enseignant enseignants professeur étudiant étudiants voisin voisins conducteur fournisseur vendeur
    acheteur coopérative entreprise autorité personnel cuisinier cuisiniers nageur nageurs transporteur
    adulte adultes parent mineur mineurs famille familles habitant habitants résident résidents passager passagers voyageur voyageurs
    victime victimes blessé blessés gardien gardiens moniteur moniteurs technicien techniciens surveillant surveillants chef guide maire commune
    titulaire titulaires bénéficiaire bénéficiaires demandeur demandeurs mandataire infirmier infirmière apprenti apprentis stagiaires
    """.split()
)
# words that most passages of rules hold: they do not say what a question is about
GENERIC = frozenset(
    """
    agir article avoir cas chose concerné demande devient devoir doit droit décision employé faire faut membre moment nombre
    organisateur passe personne peut possible pouvoir prévoir prévu question responsable risque règle règlement situation suite
    utiliser utilisé utilisée utilisés être
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
# things that their bare name is enough to know
KNOWN_THINGS = frozenset(
    """
    appel assemblée budget composition cotisation examen inscription inscriptions mandat offre portable procuration procès-verbal
    proposition quorum règlement réclamation réclamations stage statuts téléphone téléphones élection élections
    """.split()
)
SANCTIONS = ("sanction", "pénalit", "amende", "exclu", "avertissement", "suspen", "disqualif", "puni", "retrait")
NUMBERS = (
    "un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize vingt trente quarante cinquante soixante "
    "soixante-quinze quatre-vingt-dix cent mille"
)
UNITS = """
    minutes? secondes? heures? jours? semaines? mois ans années? points? membres? euros? € voix exemplaires? groupes? places?
    personnes? candidats? fois phases? mètres? cm
    """
# phrase -> others that say the same; gender and number agree, so that the sentence around still fits
SYNONYMS: tuple[tuple[str, tuple[str, ...]], ...] = (
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
    (r"\bau minimum\b", ("au moins",)),
    (r"\bau maximum\b", ("au plus",)),
    (
        r"\btéléphone portable\b",
        (
            "portable",
            "smartphone",
        ),
    ),
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
    (r"\badresser\b", ("envoyer",)),
    (r"\best autorisé à\b", ("peut",)),
    (r"\bdans l'obligation de\b", ("obligé de",)),
    (r"\btenu de\b", ("obligé de",)),
    (r"\bà tout moment\b", ("n'importe quand",)),
    (r"\bs'élève à\b", ("est de",)),
    (r"\btoutefois\b", ("pourtant",)),
)
# words that headings in capitals write without their accents
ACCENTED = """
    déroulement règlement étranger équipe équipes résultat résultats pénalité pénalités réclamation réclamations générale général
    régionale régional féminin féminine élection élections équipements équipement procédure procédures sécurité éthique médical
    médicale compétition compétitions phase déléguée durée
    """.split()
