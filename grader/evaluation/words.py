"""The words of the evaluation report, in both languages."""

WORDS = {
    "en": {
        "bodies": {},
        "report": "Evaluation",
        "go": "English",
        "colon": ":",
        "to": "to",
        "hidden": "not shown",
        "none": "–",
        "exact": "{}",
        "below": "under {}",
        "above": "over {}",
        "from_to": "{} to {}",
        "until": "until {}",
        "precision": {
            "exact": "{}",
            "approximately": "about {}",
            "at least": "at least {}",
        },
        "synthetic": "Nobody in this report exists: every learner, mark and form is synthetic.",
        "summary": "In short",
        "privacy": (
            "No person is named. A group of fewer than {} people is not shown, nor is a figure "
            "from which it could be "
            "worked out: “under” and “over” give a limit, “not shown” gives nothing. A zero "
            "counts as small. Shares "
            "of people are rounded to {}; averages rest on at least {} people. Two reports on "
            "overlapping sessions, "
            "laid side by side, could still give a group back: publish one."
        ),
        "came": "Who came",
        "sessions": "Sessions",
        "date": "Date",
        "kind": "Kind",
        "place": "Place",
        "language": "Language",
        "strand": "Strand",
        "topics": "Topics",
        "participants": "Participants",
        "kinds": {
            "one-day": "one day",
            "half-day": "half-day",
            "train-the-trainer": "train the trainer",
            "other": "other",
        },
        "places": {
            "in person": "in person",
            "online": "online",
            "hybrid": "hybrid",
        },
        "languages": {
            "en": "English",
            "fr": "French",
            "both": "both",
        },
        "all_sessions": "All sessions",
        "covered": "Topics covered",
        "counters": "The counters of Commitment 6, one for one",
        "counters_note": (
            "Commitment 6 of Canada’s Third Open Government Action Plan (2016-2018) reported the "
            "figures of the third column. Definitions and spans differ from source to source (34 "
            "events and 35 workshops, for example, are two definitions), so a figure of this "
            "programme stands beside them and is not compared with them. A dash: not counted "
            "here."
        ),
        "measure": "What was counted",
        "body": "By",
        "reported": "Reported",
        "target": "Target",
        "span": "Span",
        "source": "Source",
        "definition": "Here: definition",
        "programme": "Here",
        "here_span": "Here: span and source",
        "attendance": "attendance lists of the sessions",
        "source_names": {
            "mid-term": "mid-term status report",
            "final": "later status page",
        },
        "here": {
            "events": "sessions of this programme",
            "learners": "different people present; an id of one roster counts once",
            "organizations": "different organizations that those present gave",
            "audience-external": "people from outside the public service, as the organizer counted",
            "audience-webcast": "public servants by webcast, as the organizer counted",
            "audience-in-person": "public servants in the room, as the organizer counted",
            "visits": "visits to the programme’s page, as its host counted",
            "registrations": "registrations, as the registering system counted",
            "registered-organizations": "organizations of those registered, as the registering "
            "system counted",
            "courses": "courses offered, as the organizer counted",
            "one-day-sessions": "sessions of the kind one day",
            "one-day-participants": "people present, over the one-day sessions",
            "trainer-sessions": "sessions of the kind train the trainer",
            "quarterly": "not counted by quarter: see the sessions above",
            "share-of-departments": "not counted: no list of all departments is kept here",
        },
        "reaction": "Level 1: reaction",
        "response": "Participants who gave in a form",
        "forms": "Forms in English and in French",
        "statement": "Statement",
        "mean": "Mean of 5",
        "agree": "4 or 5 of 5",
        "no_forms": "No evaluation form was given in.",
        "scales": {
            "relevant": "The day was relevant to my work.",
            "clear": "It was clear.",
            "pace": "The pace suited me.",
            "confident": "I am confident that I can do this at work.",
            "recommend": "I would recommend it to a colleague.",
        },
        "learning": "Level 2: learning",
        "gains": "Normalised gain by topic",
        "objectives": "By objective",
        "gain_note": (
            "The normalised gain is (post − pre) ÷ (max − pre): of what could still be learned, "
            "how much was. 0 is nothing, 1 is everything; below 0 the second test went worse. It "
            "is computed from the two means of those who took both tests (average normalised "
            "gain of a class; Hake, 1998). In brackets, the 95 % interval: percentile bootstrap "
            "over learners, 2,000 resamples, fixed seed (Efron and Tibshirani, 1993). With few "
            "learners it is somewhat too narrow. A gain is not an effect: no group without the "
            "session was tested."
        ),
        "objective_note": (
            "Pooled over sessions. An objective rests on few items: its gain is given to one "
            "decimal and cannot bear much weight."
        ),
        "took": "Learners who took both tests{} {}; who took one or none, and so count in no "
        "gain{} {}.",
        "untested": "Both tests are not graded yet: no gain can be given.",
        "topic": "Topic",
        "objective": "Objective",
        "items_n": "Items",
        "before": "Before",
        "after": "After",
        "gain": "Gain",
        "interval": "95 % interval",
        "all_items": "All items",
        "described": "Normalised gain by topic, largest first, with its 95 % interval. {}.",
        "no_gain": "No gain can be shown.",
        "mastery": "At or above 70 % of the points{} before {}, after {}.",
        "asked": "The items",
        "form": "Form",
        "forms_names": {
            "pre": "before",
            "post": "after",
        },
        "item": "Item",
        "difficulty": "Right answers",
        "discrimination": "Discrimination",
        "items_note": (
            "Right answers: the lower the share, the harder the item. Discrimination is the "
            "correlation with the other items of the form: near 0 or below, the item deserves a "
            "look. A dash: fewer than ten people, or all alike."
        ),
        "hardest": "Hardest item of the second test",
        "hardest_task": "Hardest task of the exercises",
        "exercises": "The exercises",
        "exercise": "Exercise",
        "handed_in": "Handed in, of those present",
        "mean_points": "Mean share of points, by tests",
        "hardest_here": "Hardest task",
        "its_points": "Its mean share",
        "memos": "The memos",
        "memo": "Memo",
        "maximum": "Of",
        "rubric": "Mean points",
        "same": "Same points",
        "near": "At most one apart",
        "kappa": "Weighted kappa",
        "memos_note": (
            "The rubric has four criteria of 0 to 2 points; the gradebook keeps their sum. "
            "Agreement is that of two markers who did not see each other’s points; kappa has "
            "quadratic weights (Cohen, 1968)."
        ),
        "levels": "Levels 3 and 4: behaviour and results",
        "levels_note": (
            "Not measured here. Whether people use at work what they learned (level 3) would "
            "take a follow-up after about three months: a memo used in a file, a dataset "
            "published or corrected, with its evidence. Whether institutions changed (level 4) "
            "would take their records on the portal before and after, beside organizations that "
            "sent nobody; and even that would be an association. Nothing in this report may be "
            "read as either."
        ),
        "nothing": "Nothing to show.",
    },
    "fr": {
        "bodies": {"TBS": "SCT", "CSPS": "EFPC", "PCO": "BCP", "and": "et", "others": "autres"},
        "report": "Évaluation",
        "go": "Français",
        "colon": "\u00a0:",
        "to": "à",
        "hidden": "non affiché",
        "none": "–",
        "exact": "{}",
        "below": "moins de {}",
        "above": "plus de {}",
        "from_to": "du {} au {}",
        "until": "jusqu’au {}",
        "precision": {
            "exact": "{}",
            "approximately": "environ {}",
            "at least": "au moins {}",
        },
        "synthetic": "Personne n’existe dans ce rapport\u00a0: participants, notes et formulaires "
        "sont synthétiques.",
        "summary": "En bref",
        "privacy": (
            "Ce rapport ne nomme personne. Un groupe de moins de {} personnes n’est pas affiché, "
            "ni un chiffre qui "
            "permettrait de le retrouver\u00a0: «\u00a0moins de\u00a0» et «\u00a0plus de\u00a0» "
            "donnent une limite, "
            "«\u00a0non affiché\u00a0» ne donne rien. Un zéro compte comme petit. Les parts de "
            "personnes sont "
            "arrondies à {} près; les moyennes reposent sur au moins {} personnes. Deux rapports "
            "sur des séances qui "
            "se recoupent, mis côte à côte, pourraient encore trahir un groupe\u00a0: n’en "
            "publiez qu’un."
        ),
        "came": "Qui est venu",
        "sessions": "Les séances",
        "date": "Date",
        "kind": "Genre",
        "place": "Mode",
        "language": "Langue",
        "strand": "Volet",
        "topics": "Thèmes",
        "participants": "Participants",
        "kinds": {
            "one-day": "une journée",
            "half-day": "demi-journée",
            "train-the-trainer": "formation des formateurs",
            "other": "autre",
        },
        "places": {
            "in person": "en personne",
            "online": "en ligne",
            "hybrid": "hybride",
        },
        "languages": {
            "en": "anglais",
            "fr": "français",
            "both": "les deux",
        },
        "all_sessions": "Toutes les séances",
        "covered": "Thèmes abordés",
        "counters": "Les compteurs de l’engagement 6, un par un",
        "counters_note": (
            "Les chiffres de la troisième colonne sont ceux dont on a rendu compte pour "
            "l’engagement 6 du troisième plan d’action du Canada pour un gouvernement ouvert "
            "(2016-2018). Définitions et périodes varient d’une source à l’autre (34 activités "
            "et 35 ateliers, par exemple, sont deux définitions)\u00a0: un chiffre du présent "
            "programme figure à côté, sans comparaison. Un tiret\u00a0: non compté ici."
        ),
        "measure": "Ce qui est compté",
        "body": "Par",
        "reported": "Déclaré",
        "target": "Cible",
        "span": "Période",
        "source": "Source",
        "definition": "Ici\u00a0: définition",
        "programme": "Ici",
        "here_span": "Ici\u00a0: période et source",
        "attendance": "listes de présence des séances",
        "source_names": {
            "mid-term": "rapport d’étape de mi-parcours",
            "final": "page d’état ultérieure",
        },
        "here": {
            "events": "séances du présent programme",
            "learners": "personnes différentes présentes; un identifiant d’une liste compte une "
            "fois",
            "organizations": "organismes différents indiqués par les personnes présentes",
            "audience-external": "personnes hors de la fonction publique, selon l’organisation",
            "audience-webcast": "fonctionnaires en webdiffusion, selon l’organisation",
            "audience-in-person": "fonctionnaires sur place, selon l’organisation",
            "visits": "visites de la page du programme, selon son hébergeur",
            "registrations": "inscriptions, selon le système d’inscription",
            "registered-organizations": "organismes des personnes inscrites, selon le système "
            "d’inscription",
            "courses": "cours offerts, selon l’organisation",
            "one-day-sessions": "séances d’une journée",
            "one-day-participants": "présences aux séances d’une journée",
            "trainer-sessions": "séances de formation des formateurs",
            "quarterly": "non compté par trimestre\u00a0: voir les séances ci-dessus",
            "share-of-departments": "non compté\u00a0: aucune liste de tous les ministères n’est "
            "tenue ici",
        },
        "reaction": "Niveau 1\u00a0: la réaction",
        "response": "Participants ayant remis un formulaire",
        "forms": "Formulaires en anglais et en français",
        "statement": "Énoncé",
        "mean": "Moyenne sur 5",
        "agree": "4 ou 5 sur 5",
        "no_forms": "Aucun formulaire d’évaluation n’a été remis.",
        "scales": {
            "relevant": "La journée était pertinente pour mon travail.",
            "clear": "C’était clair.",
            "pace": "Le rythme me convenait.",
            "confident": "Je me sens capable de m’en servir au travail.",
            "recommend": "Je la recommanderais à un ou une collègue.",
        },
        "learning": "Niveau 2\u00a0: l’apprentissage",
        "gains": "Gain normalisé par thème",
        "objectives": "Par objectif",
        "gain_note": (
            "Le gain normalisé est (après − avant) ÷ (maximum − avant)\u00a0: de ce qui restait "
            "à apprendre, quelle part a été apprise. 0, c’est rien; 1, c’est tout; sous 0, le "
            "second test a été moins réussi. Il se calcule à partir des deux moyennes des "
            "personnes qui ont passé les deux tests (gain normalisé moyen d’un groupe; Hake, "
            "1998). Entre parenthèses, l’intervalle à 95\u00a0%\u00a0: bootstrap par percentiles "
            "sur les personnes, 2\u00a0000 tirages, germe fixe (Efron et Tibshirani, 1993). Avec "
            "peu de personnes, il est un peu trop étroit. Un gain n’est pas un effet\u00a0: "
            "aucun groupe sans séance n’a passé les tests."
        ),
        "objective_note": (
            "Toutes séances réunies. Un objectif repose sur peu de questions\u00a0: son gain est "
            "donné à une décimale et ne permet pas de conclure à lui seul."
        ),
        "took": (
            "Personnes qui ont passé les deux tests{} {}; qui en ont passé un ou aucun et ne "
            "comptent dans aucun "
            "gain{} {}."
        ),
        "untested": "Les deux tests ne sont pas encore corrigés\u00a0: aucun gain ne peut être "
        "donné.",
        "topic": "Thème",
        "objective": "Objectif",
        "items_n": "Questions",
        "before": "Avant",
        "after": "Après",
        "gain": "Gain",
        "interval": "Intervalle à 95\u00a0%",
        "all_items": "Toutes les questions",
        "described": "Gain normalisé par thème, du plus grand au plus petit, avec son intervalle "
        "à 95\u00a0%. {}.",
        "no_gain": "Aucun gain ne peut être affiché.",
        "mastery": "70\u00a0% des points ou plus{} {} avant, {} après.",
        "asked": "Les questions",
        "form": "Test",
        "forms_names": {
            "pre": "avant",
            "post": "après",
        },
        "item": "Question",
        "difficulty": "Bonnes réponses",
        "discrimination": "Discrimination",
        "items_note": (
            "Bonnes réponses\u00a0: plus la part est basse, plus la question est difficile. La "
            "discrimination est la corrélation avec les autres questions du test\u00a0: près de "
            "0 ou en dessous, la question mérite un examen. Un tiret\u00a0: moins de dix "
            "personnes, ou toutes pareilles."
        ),
        "hardest": "Question la plus difficile du second test",
        "hardest_task": "Tâche la plus difficile des exercices",
        "exercises": "Les exercices",
        "exercise": "Exercice",
        "handed_in": "Remis, parmi les personnes présentes",
        "mean_points": "Part moyenne des points, par les tests",
        "hardest_here": "Tâche la plus difficile",
        "its_points": "Sa part moyenne",
        "memos": "Les notes de synthèse",
        "memo": "Note",
        "maximum": "Sur",
        "rubric": "Points en moyenne",
        "same": "Mêmes points",
        "near": "Un point d’écart au plus",
        "kappa": "Kappa pondéré",
        "memos_note": (
            "La grille a quatre critères de 0 à 2 points; le carnet de notes en garde la somme. "
            "L’accord est celui de deux personnes qui n’ont pas vu les points l’une de l’autre; "
            "le kappa est à pondération quadratique (Cohen, 1968)."
        ),
        "levels": "Niveaux 3 et 4\u00a0: les comportements et les résultats",
        "levels_note": (
            "Non mesurés ici. Pour savoir si l’on se sert au travail de ce qu’on a appris "
            "(niveau 3), il faudrait un suivi après trois mois environ\u00a0: une note versée à "
            "un dossier, un jeu de données publié ou corrigé, preuve à l’appui. Pour savoir si "
            "les institutions ont changé (niveau 4), il faudrait leurs notices sur le portail "
            "avant et après, à côté d’organismes qui n’ont envoyé personne; et ce ne serait "
            "encore qu’une association. Rien, dans ce rapport, ne peut se lire comme l’un ou "
            "l’autre."
        ),
        "nothing": "Rien à afficher.",
    },
}
