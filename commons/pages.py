"""The words of pages: TOML files, one a language, read once."""

import functools
import tomllib
from pathlib import Path
from typing import Any

from commons.wording import LANGUAGES, typeset


@functools.cache
def page_words(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the words of pages by language.

    French may be written with ordinary spaces before « : » and « % » and inside guillemets: they
    become no-break spaces here.

    Args:
        folder: where ``en.toml`` and ``fr.toml`` are.

    Raises:
        OSError: if a file cannot be read.
        tomllib.TOMLDecodeError: if a file is not TOML.
    """
    found = {
        language: tomllib.loads((folder / f"{language}.toml").read_text("utf-8"))
        for language in LANGUAGES
    }
    return found | {"fr": _typeset(found["fr"])}


def _typeset(words):
    if isinstance(words, str):
        return typeset(words)
    if isinstance(words, dict):
        return {name: _typeset(each) for name, each in words.items()}
    return [_typeset(each) for each in words] if isinstance(words, list) else words
