"""Does filling a template escape what HTML must not take as its own, and name what is missing?"""

import jinja2
import pytest

from commons.templates import fill


@pytest.mark.parametrize(
    ("name", "filled"),
    [("page.html", "&lt;b&gt;\n"), ("page.html.j2", "&lt;b&gt;\n"), ("a.md.j2", "<b>\n")],
)
def test_values_are_escaped_in_html_alone(tmp_path, name, filled):
    (tmp_path / name).write_text("{{ value }}\n", "utf-8")
    assert fill(tmp_path / name, value="<b>") == filled


def test_a_name_that_nobody_gave_is_an_error(tmp_path):
    (tmp_path / "page.html").write_text("{{ value }}", "utf-8")
    with pytest.raises(jinja2.UndefinedError, match="value"):
        fill(tmp_path / "page.html")
