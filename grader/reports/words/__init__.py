"""The words of feedback pages, reports and markers' pages, by language."""

from pathlib import Path

from commons.pages import page_words

WORDS = page_words(Path(__file__).parent)
