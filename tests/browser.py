"""The browser for the page tests: the system's, or the distribution's where it may be installed.

``python -m tests.browser`` makes one available where it can, and says why the page tests will skip
where it cannot.
"""

import os
import shutil
import subprocess
import sys

from curriculum.kit.printing import BROWSER_ARGUMENTS as ARGUMENTS
from curriculum.kit.printing import browser as find

__all__ = ["ARGUMENTS", "find", "install"]


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
