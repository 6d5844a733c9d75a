"""What HTML from people and programs may hold before a page shows it: the one policy, in its uses.

Everything allowed shows something and does nothing: no script, handler, form or frame, and no
picture but one that is in the page itself. To be called in a sealed process where a learner wrote
the HTML, since it parses.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

PICTURES = ("image/png", "image/jpeg", "image/gif")  #: kinds that may be pasted in
_PASTED = tuple(f"data:{kind};base64," for kind in PICTURES)
_IGNORED_IN_ADDRESSES = re.compile(r"[\x00-\x20]+")  # browsers leave them out before they look


class HtmlPolicy(NamedTuple):
    """What may stay; everything else is taken out.

    Args:
        attributes: by tag, ``"*"`` for all tags.
        schemes: of addresses.
        more: tags beside those of text, lists, tables and pictures.
        without: tags less.
        styles: properties that an attribute ``style`` may set; None where ``attributes`` decides.
        only_pasted: whether a picture must be in the page, and nothing else may be data.
        link_rel: what each link is given as ``rel``.
    """

    attributes: Mapping[str, set[str]]
    schemes: frozenset[str] = frozenset()
    more: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset({"area", "map"})
    styles: frozenset[str] | None = None
    only_pasted: bool = True
    link_rel: str | None = "noopener noreferrer"


#: Of a text that a person wrote, in Markdown: links to the web and to mail.
WRITTEN = HtmlPolicy(
    attributes={
        "a": {"href", "title"},
        "img": {"src", "alt"},
        "th": {"scope", "align"},
        "td": {"align"},
        "ol": {"start"},
        "*": {"lang"},
    },
    schemes=frozenset({"http", "https", "mailto"}),
)
#: Of what a cell showed: no links; the looks that pandas and its like give a table.
SHOWN = HtmlPolicy(
    attributes={
        "*": {"class", "style", "title", "lang", "dir"},
        "img": {"src", "alt", "width", "height"},
        "table": {"border"},
        "td": {"colspan", "rowspan", "align"},
        "th": {"colspan", "rowspan", "align", "scope"},
    },
    more=frozenset({"figure", "figcaption"}),
    without=frozenset({"a", "area", "map"}),
    styles=frozenset(
        {
            "color",
            "background-color",
            "font-weight",
            "font-style",
            "text-align",
            "max-width",
            "width",
            "height",
            "margin",
            "padding",
            "border",
            "text-decoration",
            "white-space",
        }
    ),
)
#: Of a text cell as nbconvert shows it: whatever this would take out is alive there.
IN_A_NOTEBOOK = HtmlPolicy(
    attributes={
        "*": {"class", "id", "style", "align", "title", "lang", "dir"},
        "a": {"href", "target", "rel"},
        "th": {"scope"},
        "img": {"alt", "src", "width", "height"},
        "input": {"type", "checked", "disabled"},
        "ol": {"start"},
    },
    schemes=frozenset({"http", "https", "mailto", "attachment"}),
    more=frozenset({"input", "summary"}),
    without=frozenset(),
    only_pasted=False,
    link_rel=None,
)


def clean_html(text: str, policy: HtmlPolicy) -> str:
    """Return HTML with nothing in it but what a policy allows, every tag closed.

    Args:
        text: any text.
        policy: one of those of this module.
    """
    import nh3

    return nh3.clean(
        text,
        tags=(nh3.ALLOWED_TAGS - policy.without) | policy.more,
        attributes={tag: set(names) for tag, names in policy.attributes.items()},
        url_schemes={*policy.schemes, "data"} if policy.only_pasted else set(policy.schemes),
        filter_style_properties=None if policy.styles is None else set(policy.styles),
        attribute_filter=_without_other_data if policy.only_pasted else None,
        link_rel=policy.link_rel,
    )


def _without_other_data(tag: str, attribute: str, value: str) -> str | None:
    """Return an attribute's value; None for a picture from elsewhere, and for any other data."""
    if attribute == "src":
        return value if value.startswith(_PASTED) else None
    address = _IGNORED_IN_ADDRESSES.sub("", value).lower()
    return None if attribute == "href" and address.startswith("data:") else value
