"""The trainer's kit: run-of-shows, facilitator notes, slides and papers for a room.

What lessons already say (their question, objectives, charts, key points, instructor notes) is read
from the notebooks, so that the kit cannot say something else. What has structure and must add up is
in ``facilitation/*.toml``, for both languages at once; prose is in ``facilitation/en/*.md`` and
``fr/*.md``, under the same names.
"""
