"""Why a submission failed, ended early, or is to be looked at, in both languages."""

from commons.wording import Sentence, visible
from grader.marking import reading

CAUSES = {
    **reading.PROBLEMS,
    "link": Sentence(
        "The submission is a link or no folder, and is not followed.",
        "La copie est un lien ou n’est pas un dossier; elle n’est pas suivie.",
    ),
    "file": Sentence(
        "A notebook is no regular file, cannot be read, or is larger than 64 MB",
        "Un carnet n’est pas un fichier ordinaire, est illisible ou dépasse 64 Mo",
    ),
    "id": Sentence(
        "A folder’s name cannot be a learner’s id (at most 128 letters, digits and other marks "
        "that can be seen, no backslash); rename it",
        "Le nom d’un dossier ne peut pas être un identifiant (au plus 128 lettres, chiffres et "
        "autres caractères visibles, sans barre oblique inverse); renommez-le",
    ),
    "left out": Sentence(
        "Files beside the notebook were left out, for their name, size or number, or because the "
        "course has a folder of that name",
        "Des fichiers joints au carnet sont laissés de côté, à cause de leur nom, de leur taille "
        "ou de leur nombre, ou parce que le cours a un dossier de ce nom",
    ),
    "large": Sentence("The notebook is larger than 64 MB.", "Le carnet dépasse 64 Mo."),
    "unreadable": Sentence("The notebook cannot be read.", "Le carnet est illisible."),
    "none": Sentence(
        "No notebook of the assignment was handed in", "Aucun carnet du devoir n’a été remis"
    ),
    "missing": Sentence(
        "A notebook of the assignment was not handed in: it gets no points.",
        "Un carnet du devoir n’a pas été remis : il ne reçoit aucun point.",
    ),
    "ended": Sentence(
        "The notebook ended its own process; what comes after counts as not answered: cell {}",
        "Le carnet a mis fin à son propre processus; la suite compte comme non répondue : cellule "
        "{}",
    ),
    "cell time": Sentence(
        "A cell ran longer than it may: cell {}",
        "Une cellule a dépassé le temps permis : cellule {}",
    ),
    "time": Sentence(
        "The notebook ran longer than it may; what comes after counts as not answered: cell {}",
        "Le carnet a dépassé le temps permis; la suite compte comme non répondue : cellule {}",
    ),
    "memory": Sentence(
        "The notebook used more memory than it may; what comes after counts as not answered: cell "
        "{}",
        "Le carnet a dépassé la mémoire permise; la suite compte comme non répondue : cellule {}",
    ),
    "nonsense": Sentence(
        "The notebook’s process answered with something else than values; what comes after "
        "counts as not answered: cell {}",
        "Le processus du carnet a répondu autre chose que des valeurs; la suite compte comme non "
        "répondue : cellule {}",
    ),
    "checker": Sentence(
        "A test ended abnormally on this notebook’s values; what comes after counts as not "
        "answered: cell {}",
        "Un test s’est interrompu sur les valeurs de ce carnet; la suite compte comme non "
        "répondue : cellule {}",
    ),
    "metadata": Sentence(
        "Cells had lost the metadata by which nbgrader knows them, and were matched by their "
        "place: cells {}",
        "Des cellules avaient perdu les métadonnées par lesquelles nbgrader les reconnaît; elles "
        "ont été retrouvées par leur place : cellules {}",
    ),
    "lost cells": Sentence(
        "Cells of the assignment are not in the notebook, and count as not answered; put the "
        "answers back into the released notebook, and grade again",
        "Des cellules du devoir ne sont pas dans le carnet et comptent comme non répondues; "
        "remettez les réponses dans le carnet publié, puis corrigez de nouveau",
    ),
    "again": Sentence(
        "One of its processes was killed from outside, and it was marked once more; the first "
        "mark of each test stands.",
        "Un de ses processus a été tué de l’extérieur, et la copie a été notée une fois de plus; "
        "la première note de chaque test demeure.",
    ),
    "error": Sentence("It could not be marked", "La copie n’a pas pu être corrigée"),
}
FAILURES = {*reading.PROBLEMS, "link", "file", "large", "unreadable", "none", "error", "id"}


def why(cause: str, detail: str = "") -> Sentence | None:
    """Return a cause as a sentence in both languages, with its detail; None for no cause."""
    if not cause:
        return None
    said = CAUSES.get(cause, CAUSES["error"])
    detail = visible(detail)  # of one line, whatever a learner called a file
    if "{}" in said.english:  # a cell
        return Sentence(*(f"{text.format(detail)}." for text in said))
    if not detail or said.english.endswith("."):
        return said
    return Sentence(f"{said.english}: {detail}.", f"{said.french} : {detail}.")


CAUSES["timestamp"] = Sentence(
    "Its timestamp.txt is not a time, and was passed over",
    "Son fichier timestamp.txt n’est pas une date; il est ignoré",
)
