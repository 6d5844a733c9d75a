"""The words of the evaluation report, by language."""

from pathlib import Path

from commons.pages import page_words

WORDS = page_words(Path(__file__).parent)
