"""Setting the language of messages, labels and figures."""

import os
import sys

from commons.errors import SettingError
from commons.wording import LANGUAGES


def use_language(lang: str) -> str:
    """Set the language of every later message, label and figure of this process.

    A number that a cell answers is shown from then on as the number alone, without its type.

    Args:
        lang: ``"en"`` or ``"fr"``.

    Returns:
        The language, so that a lesson can write ``lang = portail.use_language("fr")``.

    Raises:
        SettingError: if ``lang`` is another word.
    """
    if lang not in LANGUAGES:
        raise SettingError(
            f'The language {lang!r} is not known. Write "en" for English or "fr" for French.',
            f"La langue {lang!r} n’est pas connue. Écrivez « en » pour l’anglais ou « fr » pour "
            "le français.",
        )
    os.environ["PORTAIL_LANG"] = lang
    if numpy := sys.modules.get("numpy"):
        numpy.set_printoptions(legacy="1.25")  # 0.51, where NumPy 2 would write np.float64(0.51)
    return lang
