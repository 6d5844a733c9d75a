"""Printing the kit's pages as tagged PDF files, with a Chromium of this system."""

import importlib.util
import shutil
from pathlib import Path

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "msedge",
)


BROWSER_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def browser() -> str | None:
    """Return the path of a Chromium of this system, or None."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def can_print() -> bool:
    """Tell whether this system has what PDF files are made with: a Chromium, and playwright, which
    drives it."""
    return browser() is not None and importlib.util.find_spec("playwright") is not None


def printed(files: list[Path]) -> list[Path]:
    """Print pages as tagged PDF files, with their title, language and outline.

    Args:
        files: HTML pages that ``build`` wrote.

    Returns:
        The files written, beside the pages; none where ``can_print`` says no.
    """
    if not can_print():
        return []
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=browser(), args=BROWSER_ARGUMENTS)
        made = printed_by(chromium, files)
        chromium.close()
    return made


def printed_by(chromium, files: list[Path], paper: str = "Letter") -> list[Path]:
    """Print pages with a browser that is running already.

    Args:
        chromium: playwright's browser.
        files: HTML pages that ``build`` wrote.
        paper: ``"Letter"`` or ``"A4"``; the pages fit both.

    Returns:
        The files written, beside the pages.
    """
    made, opened = [], chromium.new_page()
    for file in files:
        opened.goto(file.resolve().as_uri())
        landscape = opened.evaluate("document.body.classList.contains('landscape')")
        opened.pdf(
            path=file.with_suffix(".pdf"),
            format=paper,
            landscape=landscape,
            tagged=True,
            outline=True,
            print_background=True,
        )
        made.append(file.with_suffix(".pdf"))
    opened.close()
    return made
