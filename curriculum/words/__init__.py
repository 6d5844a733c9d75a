"""The words of the project's own pages, one TOML file a language."""

import functools
import tomllib
from pathlib import Path


@functools.cache
def words(page: str, language: str) -> dict[str, str]:
    """Return the words of a page.

    Args:
        page: a table of the files, such as ``"start_page"``.
        language: ``"en"`` or ``"fr"``.
    """
    file = Path(__file__).with_name(f"{language}.toml")
    return tomllib.loads(file.read_text("utf-8"))[page]
