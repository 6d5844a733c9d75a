"""Filling Jinja template files, such as the project's HTML pages."""

import functools
from pathlib import Path


def fill(file: Path, **values) -> str:
    """Return a template's text with values in place.

    Args:
        file: the template; it may use the others of its folder. In one named ``.html`` or
            ``.html.j2``, values are escaped.
        values: by name; a name that the template uses and nobody gave is an error.

    Raises:
        jinja2.UndefinedError: if a name is missing.
    """
    return _environment(file.parent).get_template(file.name).render(**values)


@functools.cache
def _environment(folder: Path):
    import jinja2  # a browser's Python, which never fills a page, may lack it

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=lambda name: name is None or ".html" in name,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
