"""Errors whose text is a sentence for the reader, in both languages."""

from commons.wording import Sentence, language, typeset


class BilingualError(Exception):
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


class SettingError(BilingualError, ValueError):
    """Raised when a language, mode or other setting has a value that means nothing."""


class CannotWrite(BilingualError):
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


class CheckFailed(AssertionError):
    """Raised by ``expect`` when an answer is not what the task asks; its text carries both
    languages.

    Args:
        sentence: what was expected, what came and where to look.
        public: the message without details of the answer, safe where marks are given on hidden
            data; ``sentence`` itself if left out.
    """

    def __init__(self, sentence: Sentence, public: Sentence | None = None):
        self.sentence, self.public = sentence, public or sentence
        first, second = ("FR", "EN") if language() == "fr" else ("EN", "FR")
        texts = {"EN": sentence.english, "FR": typeset(sentence.french)}
        super().__init__(f"{first}  {texts[first]}\n{second}  {texts[second]}")

    def _render_traceback_(self) -> list[str]:
        """Let IPython show the message alone."""
        return [str(self)]
