"""Are the lessons' pages accessible: no axe violation, right language, every image described?"""

import itertools
import re

import pytest
from bs4 import BeautifulSoup

from curriculum import notebooks, pages
from curriculum.lessons import LANGUAGES, Curriculum
from tests.helpers.browser import AXE, needs_browser, violations

pytestmark = pytest.mark.thorough

WRITTEN = [
    (language, lesson.slug) for lesson in Curriculum.read().written() for language in LANGUAGES
]
ALL_BUT_CONTRAST = AXE | {"rules": {"color-contrast": {"enabled": False}}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("pages")
    pages.render_all(where)
    return where


@needs_browser
@pytest.mark.parametrize(("language", "slug"), WRITTEN)
def test_a_lessons_page_has_no_axe_violation_open_or_closed(page, folder, language, slug):
    page.goto((folder / language / f"{slug}.html").as_uri())
    # What a closed page shows, the open one shows in the same colours; nine tenths of the time
    # would go to them again.
    assert violations(page, ALL_BUT_CONTRAST) == [] and "details[open]" not in page.content()
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    assert violations(page) == []


@needs_browser
def test_axe_can_complain(page):
    page.set_content("<html><body><img src='data:,'><p style='color:#bbb'>pale</p></body></html>")
    assert {each.split(":")[0] for each in violations(page)} >= {
        "image-alt",
        "html-has-lang",
        "color-contrast",
    }


@needs_browser
@pytest.mark.parametrize(("language", "slug"), WRITTEN)
def test_nothing_is_fetched_from_elsewhere_and_nothing_overflows(page, folder, language, slug):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto((folder / language / f"{slug}.html").as_uri())
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize(("language", "slug"), WRITTEN)
def test_the_page_says_its_language_and_leads_to_the_other(folder, language, slug):
    html = BeautifulSoup((folder / language / f"{slug}.html").read_text("utf-8"), "html.parser")
    other = "fr" if language == "en" else "en"
    assert html.html["lang"] == language
    assert html.find("a", hreflang=other)["href"] == f"../{other}/{slug}.html"
    assert (folder / other / f"{slug}.html").is_file()


@pytest.mark.parametrize(("language", "slug"), WRITTEN)
def test_every_image_keeps_its_description(folder, language, slug):
    html = BeautifulSoup((folder / language / f"{slug}.html").read_text("utf-8"), "html.parser")
    images = html.find_all("img")
    assert images
    assert all(len(image["alt"]) > 40 for image in images)


@pytest.mark.parametrize(("language", "slug"), WRITTEN)
def test_headings_follow_each_other_without_a_gap(folder, language, slug):
    html = BeautifulSoup((folder / language / f"{slug}.html").read_text("utf-8"), "html.parser")
    levels = [int(each.name[1]) for each in html.find_all(re.compile("^h[1-6]$"))]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


@pytest.mark.parametrize(("language", "slug"), WRITTEN)
def test_instructors_notes_are_not_on_the_page(folder, language, slug):
    html = (folder / language / f"{slug}.html").read_text("utf-8")
    notebook = notebooks.read(Curriculum.read().lesson(slug).path(language))
    notes = [cell for cell in notebook.cells if "instructor" in notebooks.tags(cell)]
    assert notes
    assert "celltag_instructor" not in html


def test_a_table_has_no_header_row_for_its_indexs_name_alone(folder):
    html = BeautifulSoup(
        (folder / "en" / "04-served-online.html").read_text("utf-8"), "html.parser"
    )
    heads = [table.thead.find_all("tr") for table in html.find_all("table") if table.thead]
    corners = [rows[0].find(["th", "td"]).get_text(strip=True) for rows in heads if len(rows) > 1]
    assert all(
        corners
    )  # two rows only where rows and columns are both named, as in a table of two questions
    assert any(
        cell.get_text(strip=True) == "Step" and cell["scope"] == "col"
        for rows in heads
        for cell in rows[0]
    )


@needs_browser
def test_the_mirrors_front_page_has_no_axe_violation(page):
    from werkzeug.test import Client

    from portail.library import library_of_datasets
    from portail.mirror import Mirror

    page.set_content(Client(Mirror(library_of_datasets())).get("/").text)
    assert violations(page) == []
