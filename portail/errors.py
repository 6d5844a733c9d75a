"""The errors a reader can meet: what happened, where, and what to do next, in both languages."""

import requests

from portail.wording import Sentence


class PortailError(Exception):
    """Raised for anything the reader can put right; its text is in the reader's language.

    Args:
        english: one or two plain sentences: what happened, and what to do next.
        french: the same for a francophone reader.
    """

    def __init__(self, english: str, french: str):
        super().__init__(english, french)
        self.english, self.french = english, french

    def __str__(self) -> str:
        return str(Sentence(self.english, self.french))

    def _render_traceback_(self) -> list[str]:
        """Let IPython show the sentence alone: a stack of frames teaches a learner nothing."""
        return [str(self)]


class SettingError(PortailError, ValueError):
    """Raised when a language, mode or other setting has a value that means nothing."""


class UnknownDataset(PortailError, LookupError):
    """Raised when no folder holds a dataset of the name asked for."""


class BrokenDataset(PortailError):
    """Raised when a dataset's description or rows on this machine cannot be read or do not
    agree."""


class PortalProblem(PortailError, requests.RequestException):
    """Raised in live mode when the portal cannot be reached, refuses, or answers with something
    else than data.

    It is also a ``requests.RequestException``, so that ordinary code around ``requests`` catches
    it.

    Args:
        fault: the kind of problem as the table of faults names it, such as ``"hang"`` or
            ``"html"``.
        english: what happened, and what to do next.
        french: the same in French.
    """

    def __init__(self, fault: str, english: str, french: str):
        super().__init__(english, french)
        self.fault = fault


class CannotWrite(PortailError):
    """Raised when a folder cannot be written to: read-only, or the disk is full; what was there is
    as it was.

    Args:
        folder: where.
        error: what the system said.
    """

    def __init__(self, folder, error: OSError):
        why = error.strerror or error
        super().__init__(
            f"The folder {folder} cannot be written to ({why}). Free some space, ask for the "
            "right to write there, or choose another folder; what was there is as it was.",
            f"Impossible d’écrire dans le dossier {folder} ({why}). Libérez de l’espace, demandez "
            "le droit d’y écrire ou choisissez un autre dossier; ce qui s’y trouvait est resté "
            "tel quel.",
        )
