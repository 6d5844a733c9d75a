"""Writing the kit's pages to a folder, in both languages."""

import shutil
from pathlib import Path

from curriculum.kit.pages import html, index, of_language
from curriculum.lessons import LANGUAGES


def build(folder: Path, pdf: bool) -> list[Path]:
    """Write the kit's pages as HTML, in both languages.

    Args:
        folder: where ``en/`` and ``fr/`` are written; what an earlier build left there is removed.
        pdf: whether the index leads to PDF files as well (``printed`` makes them).

    Returns:
        The pages written, each index last.

    Raises:
        ValueError: as ``of_language``.
    """
    made = {language: of_language(language) for language in LANGUAGES}
    written = []
    for language, kit in made.items():
        shutil.rmtree(folder / language, ignore_errors=True)
        for page in [*kit, index(kit, language, pdf)]:
            path = folder / language / f"{page.name}.html"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(html(page, language), encoding="utf-8")
            written.append(path)
    return written
