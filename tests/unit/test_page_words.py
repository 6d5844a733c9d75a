"""Do pages have the same words in both languages, each written as its language writes it?"""

import re

import pytest

from commons.pages import page_words
from grader.evaluation import words as evaluation
from grader.reports import words as reports

WORDS = {"evaluation": evaluation.WORDS, "reports": reports.WORDS}


def by_name(words: dict, before: str = "") -> dict[str, str]:
    found = {}
    for name, each in words.items():
        found |= (
            by_name(each, f"{before}{name}.") if isinstance(each, dict) else {before + name: each}
        )
    return found


@pytest.mark.parametrize("pages", WORDS)
def test_both_languages_have_the_same_words(pages):
    english, french = (by_name(WORDS[pages][language]) for language in ("en", "fr"))
    # initials of institutions: English keeps those of the source
    assert {name for name in english.keys() ^ french.keys() if "bodies." not in name} == set()
    for name in english.keys() & french.keys():
        assert english[name].count("{}") == french[name].count("{}"), name


@pytest.mark.parametrize("pages", WORDS)
def test_a_percent_sign_follows_the_figure_in_english_and_a_space_in_french(pages):
    for name, text in by_name(WORDS[pages]["en"]).items():
        assert not re.search(r"\s%", text), name
    for name, text in by_name(WORDS[pages]["fr"]).items():
        assert not re.search(r"[^\u00a0]%|[^\u00a0\d]:(?!//)| [»?]|« ", text), name


def test_french_with_ordinary_spaces_is_typeset(tmp_path):
    (tmp_path / "en.toml").write_text('a = "Share: 5%"\n', "utf-8")
    (tmp_path / "fr.toml").write_text('[b]\nc = ["Part : 5 %", "« oui »"]\n', "utf-8")
    assert page_words(tmp_path) == {
        "en": {"a": "Share: 5%"},
        "fr": {"b": {"c": ["Part\u00a0: 5\u00a0%", "«\u00a0oui\u00a0»"]}},
    }
