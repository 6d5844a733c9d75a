"""Are numbers, shares and dates written as each language writes them?"""

import datetime
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import portail
from commons.errors import SettingError
from commons.wording import Sentence, typeset


def test_english_numbers_have_commas():
    assert portail.number(1597, lang="en") == "1,597"
    assert portail.number(1234567.891, 2, "en") == "1,234,567.89"


def test_french_numbers_have_no_break_spaces_and_a_decimal_comma():
    assert portail.number(1597, lang="fr") == "1\u00a0597"
    assert portail.number(2.5, decimals=1, lang="fr") == "2,5"


@pytest.mark.parametrize(("lang", "written"), [("en", "52.8\u00a0%"), ("fr", "52,8\u00a0%")])
def test_a_share_becomes_a_percentage_with_a_no_break_space(lang, written):
    assert portail.percent(19 / 36, lang=lang) == written


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_what_is_missing_is_a_dash(missing):
    assert portail.number(missing) == portail.percent(missing) == "–"


@pytest.mark.parametrize(
    ("when", "english", "french"),
    [
        ("2025-09-19", "September 19, 2025", "19 septembre 2025"),
        ("2026-08-01T10:00:00", "August 1, 2026", "1er août 2026"),
        ("2024-12", "December 2024", "décembre 2024"),
        (datetime.date(2026, 2, 11), "February 11, 2026", "11 février 2026"),
    ],
)
def test_dates_are_in_words(when, english, french):
    assert (portail.date(when, "en"), portail.date(when, "fr")) == (english, french)


def test_a_text_that_is_no_date_is_refused():
    with pytest.raises(ValueError):
        portail.date("soon")


@given(st.integers(-(10**12), 10**12))
def test_a_number_can_be_read_back_in_both_languages(value):
    assert int(portail.number(value, lang="en").replace(",", "")) == value
    assert int(portail.number(value, lang="fr").replace("\u00a0", "")) == value


@given(st.floats(0, 1))
def test_a_percentage_never_breaks_across_lines(share):
    assert not re.search(r"[ \t]", portail.percent(share, lang="fr"))


def test_french_sentences_get_their_no_break_spaces():
    assert typeset("Voici : « oui », 5 %") == "Voici\u00a0: «\u00a0oui\u00a0», 5\u00a0%"
    assert typeset("C'est l'on, jusqu'à aujourd'hui") == "C’est l’on, jusqu’à aujourd’hui"


def test_code_in_a_french_sentence_keeps_its_quotation_marks():
    assert (
        typeset("Écrivez words = 'D', df['a'] ou f'{d}'.")
        == "Écrivez words = 'D', df['a'] ou f'{d}'."
    )


def test_the_reader_gets_their_language(monkeypatch):
    sentence = Sentence("yes", "oui")
    assert str(sentence) == "yes"
    portail.use_language("fr")
    assert str(sentence) == "oui"


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (np.float64(0.51), "0.51"),
        (np.True_, "True"),
        ((np.int64(13), np.float64(1)), "(13, 1.0)"),
    ],
)
def test_a_number_is_shown_as_the_number_alone(answer, shown):
    with np.printoptions():  # restores them afterwards
        np.set_printoptions(legacy=False)
        assert "np." in repr(answer)
        portail.use_language("fr")
        assert repr(answer) == shown


def test_an_unknown_language_is_refused_with_what_to_write():
    with pytest.raises(SettingError, match='Write "en" for English'):
        portail.use_language("de")
