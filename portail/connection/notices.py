"""Telling the reader, once in a process, where the data came from."""

from commons.wording import Sentence
from commons.wording import date as in_words
from portail.errors import PortalProblem

_told: set[Sentence] = set()


def notice(sentence: Sentence) -> None:
    """Tell the reader something about the data, once in a process."""
    if sentence not in _told:
        _told.add(sentence)
        print(sentence)


def fallback_sentence(problem: PortalProblem, date: str) -> Sentence:
    """Return what is told when a dated copy stands in for the portal."""
    copy_en = f"the copy of {in_words(date, 'en')}" if date else "the dated copy"
    copy_fr = f"la copie du {in_words(date, 'fr')}" if date else "la copie datée"
    return Sentence(
        f"{problem.english} You are working on {copy_en}; nothing is lost. To try again: "
        'portail.session(mode="live").',
        f"{problem.french} Vous travaillez sur {copy_fr}; rien n’est perdu. "
        'Pour réessayer : portail.session(mode="live").',
    )


def forget() -> None:
    """Forget what was told; it will be told again."""
    _told.clear()
