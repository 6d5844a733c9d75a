"""The browser for the page tests: the system's, or the distribution's where it may be installed.

``python -m tests.helpers.browser`` makes one available where it can, and says why the page tests
will skip where it cannot.
"""

import os
import shutil
import subprocess
import sys

import pytest

from curriculum.kit.printing import BROWSER_ARGUMENTS as ARGUMENTS
from curriculum.kit.printing import browser as find

__all__ = ["ARGUMENTS", "AXE", "find", "install", "needs_browser", "violations"]
AXE = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]},
    "resultTypes": ["violations"],
}  # what passes need not be listed, which takes a third of the time


def needs_browser(test):
    """Mark a test that opens a browser: thorough, and skipped where there is none."""
    missing = "no Chromium: run python -m tests.helpers.browser"
    return pytest.mark.thorough(pytest.mark.skipif(find() is None, reason=missing)(test))


def violations(page, options: dict = AXE) -> list[str]:
    """Return what axe finds wrong in a page, with the beginning of each element."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options=options).response["violations"]
    return [f"{each['id']}: {node['html'][:100]}" for each in found for node in each["nodes"]]


def install() -> str:
    """Install the distribution's Chromium where that is allowed; return what came of it, in one
    sentence."""
    if found := find():
        return f"The page tests use {found}."
    apt = shutil.which("apt-get")
    if not apt or not hasattr(os, "geteuid"):
        return "No Chromium was found and this system has no apt-get: the page tests will skip."
    start = [] if os.geteuid() == 0 else ["sudo", "-n"]
    for command in (
        ["update"],
        ["install", "-y", "--no-install-recommends", "chromium", "fonts-dejavu-core"],
    ):
        done = subprocess.run(
            [*start, apt, "-qq", *command],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        )
        if done.returncode:
            return (
                f"Chromium could not be installed ({done.stderr.strip()[-200:]}): the page tests "
                "will skip."
            )
    return f"The page tests use {find()}."


if __name__ == "__main__":
    print(install())
    sys.exit(1 if os.environ.get("CI") and not find() else 0)
