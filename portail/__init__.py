"""The open.canada.ca portal for learners: live, dated or in the room.

A lesson needs a handful of names: ``load`` reads a dataset's table, ``session`` asks the portal with plain
``requests``, ``source_line`` says what was read and of what date, ``show`` displays a chart with its text
alternative, ``checks`` tells a learner what to look at, and ``number``, ``percent``, ``date`` write figures as the
reader's language does.
"""

from portail import checks
from portail.connection import session
from portail.datasets import labels
from portail.figures import show
from portail.settings import language, use_language
from portail.tables import attribution, load, organization_names, source_line
from portail.wording import date, number, percent

__all__ = [
    "attribution", "checks", "date", "labels", "language", "load", "number", "organization_names", "percent",
    "session", "show", "source_line", "use_language",
]
__version__ = "0.1.0"
