"""One walk in a real JupyterLab, as a francophone learner takes it: start page, lesson 04, run all,
see the chart."""

import os
import subprocess
import time
from pathlib import Path

import pytest
import requests

from curriculum import notebooks
from curriculum.workspace import build, jupyterlab, start_page
from tests.helpers import browser
from tests.helpers.places import ROOT

SECONDS = 180
SLUG = "04-served-online"
SCREENSHOTS = ROOT / "screenshots"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab on a learner's workspace, offline, in French; its address with the token."""
    folder = tmp_path_factory.mktemp("espace de travail")  # a path with blanks, as learners have
    before = os.environ.get("PORTAIL_LANG")
    os.environ["PORTAIL_LANG"] = "fr"
    try:
        build.build(folder)
    finally:
        os.environ.pop("PORTAIL_LANG") if before is None else os.environ.update(PORTAIL_LANG=before)
    jupyterlab.configure_lab(folder, "fr")
    port, token = jupyterlab.free_port(18888), "a-token-for-this-walk"
    command, environment = jupyterlab.lab_command(folder, port, token)
    environment = {
        key: value for key, value in environment.items() if not key.startswith("PORTAIL_")
    }
    process = subprocess.Popen(
        [*command, "--no-browser"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment | {"PORTAIL_MODE": "snapshot"},
    )
    address = f"http://127.0.0.1:{port}/lab/tree/{start_page.START}?token={token}"
    try:
        _wait_until(lambda: requests.get(address, timeout=2).ok)
        yield folder, address
    finally:
        process.terminate()
        process.wait(30)


def _wait_until(answers) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        try:
            if answers():
                return
        except requests.RequestException:
            pass
        time.sleep(0.3)
    raise TimeoutError("JupyterLab or its kernel did not come up")


@pytest.fixture
def page():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        running = play.chromium.launch(executable_path=browser.find(), args=browser.ARGUMENTS)
        opened = running.new_page(viewport={"width": 1400, "height": 900})
        opened.set_default_timeout(SECONDS * 1000)
        yield opened
        running.close()


@browser.needs_browser
def test_a_francophone_opens_the_start_page_runs_lesson_04_and_sees_the_chart(lab, page):
    folder, address = lab
    page.goto(address)
    start = page.locator(".jp-MarkdownViewer")
    start.get_by_role("heading", name="commencez ici").wait_for()
    page.locator(".lm-MenuBar-itemLabel", has_text="Fichier").wait_for()
    assert page.get_by_text("Create Assignment").count() == 0
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / "start-page.png")

    start.locator(f'a[href*="fr/{SLUG}.ipynb"]').first.click()
    page.locator(".jp-Notebook").get_by_role(
        "heading", name="Qui peut être servi en ligne?"
    ).wait_for()
    _wait_until(lambda: _is_ready(address.replace("/lab/tree/" + start_page.START, "/api/kernels")))
    page.locator(".lm-MenuBar-itemLabel", has_text="Exécution").click()
    page.locator(".lm-Menu-itemLabel", has_text="Exécuter toutes les cellules").first.click()
    _wait_until_run(page, folder)

    notebook = notebooks.read(folder / "fr" / f"{SLUG}.ipynb")
    outputs = [output for cell in notebooks.code(notebook) for output in cell.outputs]
    assert [
        output
        for output in outputs
        if output.output_type == "error" or output.get("name") == "stderr"
    ] == []
    image = page.locator(".jp-Notebook figure img")
    image.scroll_into_view_if_needed()
    page.wait_for_timeout(1000)  # the notebook lays out what comes into view
    image.scroll_into_view_if_needed()
    assert any(
        (folder / ".lab" / "workspaces").iterdir()
    )  # the tabs left open, not among other JupyterLabs' of theirs
    assert image.is_visible() and len(image.get_attribute("alt")) > 40
    page.screenshot(path=SCREENSHOTS / "lesson-04-chart.png")


def _is_ready(kernels: str) -> bool:
    """Tell whether the page is connected to a kernel that waits for cells; one that still starts
    may take none."""
    answer = requests.get(kernels, timeout=20)
    # Jupyter Server answers 500, "Unhandled error", while it starts a kernel: asked again
    answer.raise_for_status()
    return any(each["connections"] and each["execution_state"] == "idle" for each in answer.json())


def _wait_until_run(page, folder: Path) -> None:
    """Save until the file holds the last code cell's output."""
    path = folder / "fr" / f"{SLUG}.ipynb"
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        page.locator(".jp-Notebook").press("Control+s")
        page.wait_for_timeout(1000)
        cells = notebooks.code(notebooks.read(path))
        if all(cell.execution_count for cell in cells if cell.source.strip()):
            return
    raise TimeoutError("the lesson did not run to its end")
