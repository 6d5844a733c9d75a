"""Does HTML from people show, and do nothing else?"""

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from commons.safe_html import IN_A_NOTEBOOK, SHOWN, WRITTEN, clean_html
from grader.marking.protocol import Cell
from grader.reports.rendering import harmless

PICTURE = "data:image/png;base64,iVBORw0KGgo="
LIVE = [
    "<script>alert(1)</script>",
    '<img src="x" onerror="alert(1)">',
    '<a href="javascript:alert(1)">x</a>',
    '<a href="java&#9;script:alert(1)">x</a>',
    '<iframe src="https://example.ca"></iframe>',
    '<form action="https://example.ca"><button>x</button></form>',
    '<svg onload="alert(1)"></svg>',
    '<style>@import "https://example.ca";</style>',
]
DATA = ["data:text/html,x", "DATA:text/html,x", "da\tta:text/html,x", " data:image/svg+xml,x"]


@pytest.mark.parametrize("policy", [WRITTEN, SHOWN, IN_A_NOTEBOOK])
@pytest.mark.parametrize("text", LIVE)
def test_what_would_run_or_fetch_is_taken_out(policy, text):
    found = BeautifulSoup(clean_html(text, policy), "html.parser")
    assert not found.find_all(["script", "iframe", "form", "svg", "style"])
    for tag in found.find_all(True):
        assert not any(name.startswith("on") for name in tag.attrs)
        assert "script" not in tag.get("href", "")


@pytest.mark.parametrize("policy", [WRITTEN, SHOWN])
@pytest.mark.parametrize("address", DATA)
def test_data_that_is_no_picture_is_no_address(policy, address):
    cleaned = clean_html(f'<a href="{address}">x</a><img src="{address}">', policy)
    assert "href" not in cleaned and "src" not in cleaned


@pytest.mark.parametrize("policy", [WRITTEN, SHOWN])
def test_a_picture_is_shown_only_where_it_is_pasted_in(policy):
    assert PICTURE in clean_html(f'<img src="{PICTURE}">', policy)
    assert "src" not in clean_html('<img src="https://example.ca/x.png">', policy)


def test_a_cell_that_showed_a_link_shows_its_text():
    assert clean_html('<p><a href="https://example.ca">x</a></p>', SHOWN) == "<p>x</p>"


def written(text: str) -> BeautifulSoup:
    return BeautifulSoup(harmless(Cell("markdown", text)), "html.parser")


def test_header_cells_have_a_scope_and_table_heads_stay_heads():
    found = written("| a | b |\n|---|--:|\n| 1 | 2 |\n")
    assert [tag["scope"] for tag in found.find_all("th")] == ["col", "col"]
    assert found.find("div", class_="wide", tabindex="0").table.thead.tr


def test_a_scope_that_a_learner_gave_stays():
    assert written('<table><tr><th scope="row">a</th></tr></table>').th["scope"] == "row"


def test_headings_stand_below_those_of_the_page_and_pictures_have_a_text():
    found = written("# one\n\n###### six\n\n<img>")
    assert found.h3.text == "one" and found.h6.text == "six" and found.img["alt"] == ""


@pytest.mark.parametrize("title", ["<table onclick=alert(1) ", "<th onclick=alert(1) ", "<h1 x"])
def test_a_tag_within_an_attribute_stays_text(title):
    found = written(f'<a href="https://example.ca" title="{title}">x</a>')
    assert {tag.name for tag in found.find_all(True)} == {"p", "a"} and found.a["title"] == title


@given(st.text(st.sampled_from("<>&;\"'=/ ahtblex1#")))
def test_framing_changes_no_text(text):
    assert (
        written(text).get_text()
        == BeautifulSoup(clean_html(str(_rendered(text)), WRITTEN), "html.parser").get_text()
    )


def _rendered(text: str) -> str:
    import mistune

    return mistune.create_markdown(escape=False, plugins=["strikethrough", "table", "url"])(text)
