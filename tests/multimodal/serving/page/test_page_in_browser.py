"""The page in Chromium, from the command to the temporary folder that it leaves empty."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("gradio", reason="needs gradio")
playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
    pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX"),
]
ROOT = Path(__file__).resolve().parents[4]
# As long as the slowest machine may take for a step; nothing waits for it where the step is done.
_PATIENCE_MS = 60_000


@pytest.fixture(scope="module")
def temporary(tmp_path_factory):
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture(scope="module")
def address(page_runs, page_data, temporary):
    """Start the command; return where the page is. At the end nothing is left in the temporary folder."""
    runs = [word for name, path in page_runs.items() for word in ("--run", f"{name}={path}")]
    options = ["--data", page_data.folder, "--port", "0", "--limit", "body_bytes=1000000"]
    command = [sys.executable, "-m", "multimodal.commands", "demo", *runs, *options]
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(map(str, command), stderr=subprocess.PIPE, text=True, env=environment, cwd=ROOT) as process:
        try:
            lines = iter(process.stderr.readline, "")
            yield next(found[0] for line in lines if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
    assert list(temporary.iterdir()) == []


@pytest.fixture(scope="module")
def browser(address):
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def page(browser, address):
    """The page, opened; it may ask nobody else, and no script of it may fail."""
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    context.set_default_timeout(_PATIENCE_MS)
    opened, asked, failed = context.new_page(), [], []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("pageerror", lambda error: failed.append(error))
    opened.goto(address)
    opened.locator("#mh-ask").wait_for()
    yield opened
    context.close()
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
    assert failed == []


def chips(page):
    return page.locator(".mh-chip .mh-tag [dir]").all_inner_texts()


def ask(page):
    """Press the button and wait for another answer."""
    before = page.locator(".mh-answer").get_attribute("data-answer") if page.locator(".mh-answer").count() else ""
    page.locator("#mh-ask").click()
    page.locator(f".mh-answer:not([data-answer='{before}'])").wait_for()


def invent_user(page, name):
    box = page.locator("#mh-user input")
    box.fill(name)
    box.press("Enter")
    box.blur()
    playwright.expect(box).to_have_value(name)


def choose_model(page, name):
    box = page.locator("#mh-model input")
    box.click()
    page.get_by_role("option", name=name, exact=True).click()
    box.blur()
    playwright.expect(box).to_have_value(name)


def test_a_visit(page, page_data, temporary):
    page.locator("#mh-file").set_input_files(page_data.split("test")[0].image)
    page.get_by_alt_text("The picture that was chosen").wait_for()  # it is read beside what follows
    page.get_by_label("Caption").fill("a fire at night #kiwi")
    invent_user(page, "somebody new")
    choose_model(page, "design")
    ask(page)
    shown = chips(page)
    assert len(shown) == 5
    assert page.locator(".mh-head").inner_text().count("design for somebody new") == 1
    # What was read: without the hashtag, and where the network looked.
    assert page.locator(".mh-cleaned p[dir]").inner_text() == "a fire at night"
    assert page.locator(".mh-cleaned mark").count() == 4
    assert page.get_by_role("img", name=re.compile("The caption counted .* %, the picture .* %")).count() == 1
    assert page.locator(".mh-look rect").count() >= 4
    page.get_by_label("brighter where it looked").uncheck()
    page.locator(".mh-look svg").wait_for(state="hidden")
    page.get_by_role("button", name=f"Copy {shown[1]}").click()
    page.get_by_text(f"Copied {shown[1]}", exact=True).wait_for(state="attached")
    assert page.evaluate("navigator.clipboard.readText()") == shown[1]
    page.get_by_role("button", name="Copy all").click()
    page.get_by_text(f"Copied {' '.join(shown)}", exact=True).wait_for(state="attached")
    assert page.evaluate("navigator.clipboard.readText()") == " ".join(shown)
    # Neither the picture nor anything else is on the disk.
    assert [path for path in temporary.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(("event", "bag"), [("drop", "dataTransfer"), ("paste", "clipboardData")])
def test_a_picture_is_dropped_or_pasted(page, event, bag):
    given = page.evaluate_handle(
        """async () => {
          const canvas = Object.assign(document.createElement('canvas'), { width: 8, height: 6 });
          canvas.getContext('2d').fillRect(0, 0, 4, 6);
          const picture = await new Promise((done) => canvas.toBlob(done));
          const bag = new DataTransfer();
          bag.items.add(new File([picture], 'drawn.png', { type: 'image/png' }));
          return bag;
        }"""
    )
    page.evaluate(
        """([event, name, bag]) => {
          const told = new Event(event, { bubbles: true, cancelable: true });
          Object.defineProperty(told, name, { value: bag });
          document.querySelector('.mh-drop').dispatchEvent(told);
        }""",
        [event, bag, given],
    )
    page.get_by_alt_text("The picture that was chosen").wait_for()
    assert page.get_by_alt_text("The picture that was chosen").evaluate("one => one.naturalWidth") == 8
    ask(page)
    assert len(chips(page)) == 5


def test_what_is_taught_changes_the_next_answer(page):
    invent_user(page, "ann")
    ask(page)
    first, *_, last = chips(page)
    page.get_by_role("button", name=f"{last} fits").click()
    page.get_by_text(f"Kept: {last} fits ann.").wait_for()
    page.get_by_role("button", name=f"{first} does not fit").click()
    page.get_by_text(f"Kept: {first} does not fit ann.").wait_for()
    pressed = page.get_by_role("button", name=f"{first} does not fit")
    assert pressed.get_attribute("aria-pressed") == "true"
    pressed.hover()  # its white mark stays on red
    playwright.expect(pressed).to_have_css("background-color", "rgb(179, 38, 30)")
    ask(page)
    assert chips(page)[0] == last
    assert first not in chips(page)[:-1]


def test_several_models_side_by_side(page, page_data):
    page.get_by_role("button", name="Try a test post").click()
    page.wait_for_function("document.querySelector('#mh-caption textarea').value !== ''")
    page.get_by_role("button", name="Compare models").click()
    page.locator("#mh-compare").click()
    table = page.locator(".mh-table")
    table.wait_for()
    assert table.locator("thead th").all_inner_texts()[1:] == ["habit", "design"]
    told = [cell.get_attribute("class") for cell in table.locator("tbody td").all()]
    assert len(told) == 10
    assert set(told) <= {"mh-right", "mh-relevant", "mh-wrong"}
    assert "mh-right" in told
    # Not by colour alone.
    for cell in table.locator("tbody td.mh-right").all():
        assert cell.inner_text().startswith("✓")
        assert ", right" in cell.text_content()
    page.get_by_role("tab", name="Hashtags").click()
    page.locator("#mh-answer .mh-empty").wait_for()


def test_bad_input_is_told_clearly(page, tmp_path):
    problem = page.get_by_role("alert")
    page.locator("#mh-ask").click()
    problem.filter(has_text="give at least one of image, caption and user_id").wait_for()
    large, text = tmp_path / "large.png", tmp_path / "notes.txt"
    large.write_bytes(bytes(800_000))
    page.locator("#mh-file").set_input_files(large)
    problem.filter(has_text="The picture has 0.8 MB; at most 0.7 MB are accepted.").wait_for()
    text.write_text("no picture")
    page.locator("#mh-file").set_input_files(text)
    problem.filter(has_text="notes.txt is not a picture; JPEG, PNG, WebP and others are accepted.").wait_for()
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(b"\x89PNG\r\n\x1a\n")
    page.locator("#mh-file").set_input_files(damaged)
    page.get_by_role("button", name="Remove the picture").wait_for()
    page.locator("#mh-ask").click()
    problem.filter(has_text="cannot be used").wait_for()


def test_nothing_is_uploaded(page, address):
    answer = page.request.post(f"{address}/demo/gradio_api/upload", multipart={"files": "a picture"})
    assert answer.status == 403
    assert answer.json()["error"]["message"].startswith("files are not accepted here")


def test_a_phone_the_keyboard_and_names(page):
    page.set_viewport_size({"width": 360, "height": 740})
    page.get_by_label("Caption").fill("the sea")
    page.get_by_label("Caption").press("Shift+Enter")
    page.locator(".mh-chip").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, input, textarea, select')]
          .filter((one) => one.checkVisibility() && !one.labels?.length && !one.getAttribute('aria-label')
            && !one.getAttribute('aria-labelledby') && !one.innerText?.trim())
          .map((one) => one.outerHTML)"""
    )
    assert nameless == []
    reached = set()
    page.locator("body").press("Tab")
    for _ in range(60):
        reached.add(page.evaluate("document.activeElement.className + document.activeElement.id"))
        page.keyboard.press("Tab")
    for name in ("mh-file", "mh-ask", "mh-tag", "mh-mark mh-yes", "mh-all"):
        assert any(name in one for one in reached), name
