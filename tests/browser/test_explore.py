"""The live page as a person uses it, in a real Chromium: knobs, a mistake at its line, a shared link, a server that goes away."""

import json
import os
import time

import pytest
from served import KEY, served
from typer.testing import CliRunner

from pricing.cli import app as command
from waterfalls.distribute import warm

pytestmark = pytest.mark.browser

READY = "body[data-ready=yes]"


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(command, ["new", "my-deal"]).exit_code == 0
    warm()
    return tmp_path / "my-deal"


@pytest.fixture
def port(own):
    with served("my-deal") as port:
        yield port


def opened(chromium, port, width=1300, url=None):
    """A page in a context of its own, with every error that its scripts make."""
    page = chromium.new_context(viewport={"width": width, "height": 1000}, accept_downloads=True).new_page()
    page.wrong = []
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.goto(url or f"http://127.0.0.1:{port}/?token={KEY}")
    page.wait_for_selector(READY, timeout=30_000)
    until(page, "document.getElementById('lead').textContent !== ''")
    return page


def until(page, script, seconds=20.0):
    """Waits until a script says true; the page's own policy lets nothing be evaluated inside of it."""
    end = time.monotonic() + seconds
    while not page.evaluate(script):
        assert time.monotonic() < end, f"after {seconds:g} s still not: {script}"
        page.wait_for_timeout(50)


def settled(page):
    """Waits until an answer came that was asked for after now, and the page rests."""
    page.wait_for_timeout(400)
    until(page, "document.getElementById('status').textContent === ''", 20)
    page.wait_for_timeout(300)


def rows(page, name):
    """The cells of a table, without what they were before."""
    return page.evaluate(
        """name => Array.from(document.querySelectorAll('.table-' + name + ' tbody tr')).map(row =>
            Array.from(row.cells).map(cell => cell.firstChild ? cell.firstChild.textContent : ''))""",
        name,
    )


def knob(page, label):
    return page.locator(".knob", has=page.locator("label", has_text=label)).first


def set_to(page, label, value):
    field = knob(page, label).locator("input[type=number]")
    field.fill(str(value))
    field.press("Enter")
    field.blur()
    settled(page)


def test_a_mistake_is_seen_at_its_line_and_saved_only_when_told(chromium, port, own):
    page = opened(chromium, port)
    text = page.input_value("#text")
    line = next(i for i, said in enumerate(text.splitlines(), 1) if "pay(interest('B'))" in said)
    page.fill("#text", text.replace("pay(interest('B'))", "pay(interest('C'))", 1))
    page.wait_for_selector("#faults li")
    assert f"line {line}" in page.text_content("#faults li") and "'C'" in page.text_content("#faults li")
    assert page.text_content("#gutter b") == str(line)
    assert "interest('C')" not in (own / "deal.yaml").read_text("utf-8")
    page.fill("#text", text.replace("rate: 0.0725", "rate: 0.0750"))
    until(page, "document.querySelectorAll('#faults li').length === 0")
    page.click("#save")
    until(page, "document.getElementById('saved').textContent === 'Saved.'")
    assert "rate: 0.0750" in (own / "deal.yaml").read_text("utf-8")
    (own / "deal.yaml").write_text(text, "utf-8")  # by an editor beside the page
    until(page, "document.getElementById('text').value.includes('rate: 0.0725')", 5)
    assert page.wrong == []


def test_rent_is_dragged_until_b_loses_and_the_command_agrees(chromium, port, own):
    page = opened(chromium, port)
    slider, steps = knob(page, "rent every rent").locator("input[type=range]"), 0
    slider.focus()
    while float(rows(page, "tranches")[1][-2].replace(",", "")) <= 0.0:
        page.keyboard.press("ArrowLeft")
        settled(page)
        steps += 1
        assert steps < 90
    rent = float(slider.input_value())
    assert 0.3 < rent < 0.9
    scenarios = (own / "scenarios.yaml").read_text("utf-8")
    (own / "scenarios.yaml").write_text(
        f"{scenarios}\n  - {{name: dragged, rent: {rent}, sale: 2036-12-15}}\n", "utf-8"
    )
    told = CliRunner().invoke(command, ["run", "my-deal", "--scenario", "dragged", "--json"])
    theirs = json.loads(told.output)["tables"]["losses_by_tranche"]  # a row a tranche and class that holds it
    for row in rows(page, "tranches"):
        lost = sum(each["total"] for each in theirs if each["tranche"] == row[0])
        assert float(row[5].replace(",", "")) == pytest.approx(lost / 1e6, abs=0.051)
    assert page.wrong == []


def test_a_link_restores_what_stood_there_and_two_pages_do_not_mix(chromium, port):
    page = opened(chromium, port)
    page.select_option("#scenario", "rents fall 45 %")
    set_to(page, "All spreads", 150)
    page.fill("#number", "definitions['reserve months']")
    page.click("#add")
    settled(page)
    set_to(page, "definitions['reserve months']", 9)
    said, link = page.text_content("#lead"), page.evaluate("location.href")
    other = opened(chromium, port)
    assert other.text_content("#lead") == "Nobody loses value against the reference."
    again = opened(chromium, port, url=link)
    settled(again)
    assert again.text_content("#lead") == said
    assert knob(again, "All spreads").locator("input[type=number]").input_value() == "150"
    set_to(other, "Rates", 100)
    settled(page)
    assert page.text_content("#lead") == said != other.text_content("#lead")


def test_a_restart_of_the_server_loses_nothing(chromium, own):
    with served("my-deal") as port:
        page = opened(chromium, port)
        text = page.input_value("#text").replace("rate: 0.0725", "rate: 0.0760")
        page.fill("#text", text)
        settled(page)
    set_to_nothing = knob(page, "All spreads").locator("input[type=number]")
    set_to_nothing.fill("75")
    set_to_nothing.press("Enter")
    until(page, "document.getElementById('status').textContent.includes('does not answer')", 10)
    with served("my-deal", port):
        until(page, "document.getElementById('stress').textContent.includes('+75 bp')", 15)
        assert page.input_value("#text") == text and "0.0760" not in (own / "deal.yaml").read_text("utf-8")


def test_b_is_made_to_survive_from_the_page_and_the_report_is_kept(chromium, port, tmp_path):
    page = opened(chromium, port)
    page.select_option("#scenario", "anchor tenant leaves")
    settled(page)
    page.click("#solving summary")
    page.fill("#test", "loss('A') <= 0 in 'anchor tenant leaves'")
    page.fill("#unknown", "definitions['reserve months']")
    page.locator("#unknown").dispatch_event("change")
    page.click("#solve")
    until(page, "/runs/.test(document.getElementById('solved').textContent)", 60)
    assert knob(page, "definitions['reserve months']").count() == 1
    with page.expect_download(timeout=60_000) as kept:
        page.select_option("#export", "report")
    kept.value.save_as(tmp_path / "report.html")
    assert "my-deal" in (tmp_path / "report.html").read_text("utf-8")


@pytest.mark.parametrize("width", [400, 1300, 2000])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits(chromium, port, width, scheme):
    page = opened(chromium, port, width)
    page.emulate_media(color_scheme=scheme)
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("Array.from(document.querySelectorAll('input, select, textarea, button')).every(e => e.labels?.length || e.textContent || e.ariaLabel)")  # fmt: skip
    assert page.wrong == []


def test_from_a_knob_to_the_screen_takes_a_tenth_of_a_second(chromium, port):
    """Of the wall, a dozen moves; the quickest is asserted by the load, on a quiet machine at four times that."""
    page = opened(chromium, port)
    knob(page, "All spreads").locator("input[type=range]").focus()
    took = []
    for _ in range(12):
        page.keyboard.press("ArrowRight")
        settled(page)
        took.append(float(page.evaluate("document.body.dataset.milliseconds")))
    middle = sorted(took)[6]
    print(f"\nfrom a knob to new numbers: {middle:.0f} ms, at best {min(took):.0f} ms")
    assert min(took) <= 400.0 * max(1.0, os.getloadavg()[0] / 2.0)
    began = time.perf_counter()
    opened(chromium, port)
    print(f"the page ready in {time.perf_counter() - began:.1f} s")
