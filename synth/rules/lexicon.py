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
# words that most passages of a rule book hold: they do not say what a question is about
GENERIC = frozenset(
    """
    joueur joueuse arbitre partie tournoi équipe compétition règlement article club doit peut règle cas personne adversaire échecs
    championnat fédération ffe fide faire être avoir match jeu jouer fédéral national organisateur capitaine ronde décision demande
    nombre responsable membre concerné prévu
    """.split()
)
