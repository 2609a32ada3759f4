"""The report as a person sees it, in a real Chromium: it draws, fits, sorts, obeys light and dark, and shows the frames' numbers."""

import math

import pytest
from reported import EVIL, evil_parts, parts_of

from pricing import SpreadShock, load_market, price, who_bears
from pricing.bearers.institutions import load_institutions
from pricing.breakevens.breakeven import breakeven
from pricing.contagion.stress_chain import chain
from pricing.report.contents.sheets import sheets
from pricing.report.contents.stress_result import stress_results
from pricing.report.page import write_report
from structuring import load_deal, load_scenarios, run

pytestmark = pytest.mark.browser

WIDTHS = (375, 1280)
DRAWN = "html[data-drawn=yes]"


@pytest.fixture(scope="module")
def case():
    """A deal in its last stress, with breakevens, the second round and end bearers."""
    deal, market, scenarios = (
        load_deal("coreweave-ddtl-4"),
        load_market("coreweave-ddtl-4"),
        load_scenarios("coreweave-ddtl-4"),
    )
    flows = run(deal, scenarios, rates=market.rates(deal))
    prices = price(flows, market, [SpreadShock.parallel(bp=100), SpreadShock.parallel(bp=300)])
    losses = who_bears(prices, deal.holdings)
    last = scenarios[-1].name
    ends = chain(deal, flows, losses, load_institutions(), last, "+300 bp")
    found = [breakeven(deal, scenarios[0], driver="gpu_price", market=market)]
    return stress_results(deal, flows, prices, losses, market, breakevens=found, chain=ends)[0]


@pytest.fixture(scope="module")
def report(case, tmp_path_factory):
    file = tmp_path_factory.mktemp("report") / "report.html"
    parts = (case.deal, case.flows, case.prices, case.losses, case.market)
    return write_report(file, *parts, breakevens=case.breakevens, chain=case.chain)


def opened(chromium, file, width=1280, scheme="light"):
    """The page once it is drawn, with what it complained of and what it asked the network for."""
    page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on("request", lambda request: said.append(request.url) if not request.url.startswith("file:") else None)
    page.goto(file.as_uri())
    page.wait_for_selector(DRAWN)
    return page, said


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_it_draws_without_complaint_and_fits(chromium, report, width, scheme):
    page, said = opened(chromium, report, width, scheme)
    assert said == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    plots = page.locator(".plot").count()
    assert plots >= 8
    assert page.locator(".plot svg.main-svg").count() >= plots
    too_wide = "Array.from(document.querySelectorAll('.plot svg')).filter(s => s.getBoundingClientRect().right > innerWidth).length"
    assert page.evaluate(too_wide) == 0
    sizes = "Array.from(document.querySelectorAll('.plot text, td, th, p, small')).map(t => parseFloat(getComputedStyle(t).fontSize))"
    assert min(page.evaluate(sizes)) >= 10.5
    ink, paper = page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.documentElement).backgroundColor]"
    )
    assert (brightness(ink) > brightness(paper)) == (scheme == "dark")
    page.close()


def test_a_page_made_narrow_is_drawn_again_before_it_is_seen(chromium, report):
    page, said = opened(chromium, report, 1280)
    page.set_viewport_size({"width": 400, "height": 900})
    seen = """() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(
        Array.from(document.querySelectorAll('.plot svg')).filter(s => s.getBoundingClientRect().right > innerWidth).length))))"""
    assert page.evaluate(seen) == 0
    assert said == []
    page.close()


def test_what_many_notes_leave_unpaid_is_read_without_scrolling_on_a_wide_page_and_on_paper(chromium, tmp_path):
    page, _ = opened(chromium, write_report(tmp_path / "r.html", *parts_of("stack-master-trust")), 1280)
    inside = "document.querySelector('#table-what_happens').getBoundingClientRect().right <= innerWidth - 10"
    assert "(interest" in page.locator("#table-what_happens").inner_text()
    assert page.evaluate(inside)
    page.set_viewport_size({"width": 688, "height": 900})  # A4 within its margins
    page.emulate_media(media="print")
    assert page.evaluate(inside.replace(" - 10", ""))
    page.close()


def test_no_flow_runs_through_the_name_of_one_who_is_paid(chromium, report):
    page, _ = opened(chromium, report, 1280)
    struck = """() => Array.from(document.querySelectorAll('.sankey-node')).map(node => {
        const label = node.querySelector('.node-label').getBoundingClientRect(), plot = node.closest('.plot').getBoundingClientRect();
        const bar = node.querySelector('.node-rect').getBoundingClientRect();
        return node.__data__.node.sourceLinks.length ? null : [label.left > bar.right, label.right <= plot.right];
    }).filter(Boolean)"""
    ends = page.evaluate(struck)
    assert len(ends) > 5
    assert all(beside and whole for beside, whole in ends)
    page.close()


def brightness(colour):
    return sum(int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(","))


@pytest.mark.parametrize("width", WIDTHS)
def test_its_tables_show_the_frames(chromium, report, case, width):
    page, _ = opened(chromium, report, width)
    for sheet in sheets(case):
        rows = page.locator(f"#table-{sheet.name} tbody tr")
        cells = rows.evaluate_all(
            "rows => rows.map(r => Array.from(r.cells).map(c => [c.dataset.value, c.innerText.trim()]))"
        )
        frame = list(sheet.frame.itertuples(index=False, name=None))
        assert len(cells) == len(frame)
        for got, row in zip(cells, frame, strict=True):
            for (exact, shown), value, column in zip(got, row, sheet.frame.columns, strict=True):
                if isinstance(value, str):
                    assert (exact, shown) == (value, value.strip())
                elif isinstance(value, (int, float)) and math.isfinite(value):
                    assert float(exact) == value
                    assert reads(shown) == pytest.approx(scaled(value, sheet.kind(column)), abs=0.0501)
    page.close()


def reads(shown):
    """The number in a cell as a person reads it."""
    return float(shown.replace(",", "").replace("\u00a0%", "").removesuffix("x"))


def scaled(value, kind):
    return value * {"money": 1e-6, "share": 100.0}.get(kind, 1.0) if kind != "bp" else round(value)


def test_its_figures_show_the_frames(chromium, report, case):
    page, _ = opened(chromium, report)
    (s, k), losses = case.cell, case.losses
    bars = page.evaluate("document.getElementById('class-bars').data.map(t => [t.name, t.y, t.x])")
    for component, names, lengths in bars:
        by_class = dict(zip(names, lengths, strict=True))
        for c, name in enumerate(losses.classes):
            assert by_class[name] == pytest.approx(losses[component][s, k, :, c].sum() / 1e6, rel=1e-12, abs=1e-12)
    texts = page.locator("#heat-stress .heatmap-label").all_text_contents()
    assert texts == [f"{value:,.2f}" for value in case.prices["clean"][s].T.ravel()]
    heights = page.evaluate("document.getElementById('value-bridge').data[0].y")
    assert heights[-1] == pytest.approx(case.prices.npv[s, k].sum() / 1e6)
    assert heights[-1] == pytest.approx(sum(heights[:-1]))
    steps = page.evaluate("document.getElementById('loss-bridge').data[0].x")
    assert sum(steps) == pytest.approx(0.0, abs=1e-2 * max(steps))
    owed = page.evaluate("document.getElementById('balances-stress').data.map(t => [t.name, t.y])")
    for name, values in owed[:2]:
        assert values == pytest.approx(list(case.flows.balance[name][s] / 1e6))
    page.close()


def test_labels_of_a_narrow_sankey_do_not_lie_on_each_other(chromium, report):
    page, _ = opened(chromium, report, 375)
    overlaps = """() => Array.from(document.querySelectorAll('.plot')).map(plot => {
        const boxes = Array.from(plot.querySelectorAll('.node-label'))
            .filter(t => t.style.visibility !== 'hidden').map(t => t.getBoundingClientRect());
        return boxes.some((a, i) => boxes.some((b, j) => i < j && a.left < b.right && b.left < a.right &&
            a.top + 2 < b.bottom && b.top + 2 < a.bottom));
    }).filter(Boolean).length"""
    assert page.locator(".node-label").count() > 10
    assert page.evaluate(overlaps) == 0
    page.close()


def test_a_narrow_page_names_every_bar_and_its_amounts_lie_on_nothing(chromium, tmp_path):
    deal, market = load_deal("vantage-jersey"), load_market("vantage-jersey")
    flows = run(deal, load_scenarios("vantage-jersey"), rates=market.rates(deal))
    prices = price(flows, market, [SpreadShock.parallel(bp=bp) for bp in (50, 100, 150, 200, 250, 300)])
    file = write_report(tmp_path / "r.html", deal, flows, prices, who_bears(prices, deal.holdings), market)
    page, _ = opened(chromium, file, 400)
    ticks = "name => Array.from(document.querySelectorAll(`#${name} .xtick text`)).map(tick => tick.textContent)"
    steps = ["before", "credit", "rates", "spread", "after"]
    assert page.evaluate(ticks, "value-bridge") == steps
    assert page.evaluate(ticks, "heat-stress") == list(prices.shocks)
    hits = """() => {
        const plot = document.querySelector('#loss-bridge'), frame = plot.getBoundingClientRect();
        const box = selector => Array.from(plot.querySelectorAll(selector)).map(each => each.getBoundingClientRect());
        const names = box('.ytick text'), amounts = box('.bartext');
        return [amounts.length, amounts.filter(a => a.right > frame.right ||
            names.some(b => a.left < b.right && a.top < b.bottom && b.top < a.bottom)).length];
    }"""
    amounts, wrong = page.evaluate(hits)
    assert amounts > 5 and wrong == 0
    page.close()


def test_no_node_of_a_sankey_hides_a_label_that_reaches_over_it(chromium, report):
    """What stands between two columns is painted before what stands at the ends."""
    page, _ = opened(chromium, report, 400)
    late = """() => Array.from(document.querySelectorAll('.plot')).filter(plot => {
        const ends = Array.from(plot.querySelectorAll('.sankey-node')).map(each => {
            const node = each.__data__.node;
            return node.sourceLinks.length === 0 || node.targetLinks.length === 0;
        });
        return ends.length > 0 && ends.lastIndexOf(false) > ends.indexOf(true);
    }).length"""
    assert page.locator(".sankey-node").count() > 10
    assert page.evaluate(late) == 0
    page.close()


def test_tables_sort_by_value_and_totals_stay_last(chromium, report, case):
    page, _ = opened(chromium, report)
    heading = page.locator("#table-losses_by_class th", has_text="total")
    values = "rows => rows.map(r => [r.cells[0].innerText, Number(r.cells[5].dataset.value)])"
    for times, reverse in ((1, False), (2, True)):
        heading.locator("button").click()
        rows = page.locator("#table-losses_by_class tbody tr").evaluate_all(values)
        assert rows[-1][0] == "all"
        assert [amount for _, amount in rows[:-1]] == sorted((amount for _, amount in rows[:-1]), reverse=reverse)
        assert heading.get_attribute("aria-sort") == ("ascending" if times == 1 else "descending")
    page.close()


def test_it_prints_its_drawings_on_white(chromium, report, tmp_path):
    page, said = opened(chromium, report, scheme="dark")
    page.emulate_media(media="print", color_scheme="light")
    page.wait_for_selector(DRAWN)
    assert page.pdf(path=tmp_path / "report.pdf", format="A4")[:5] == b"%PDF-"
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    links = "Array.from(document.querySelectorAll('#cash-sankey .sankey-link')).map(l => getComputedStyle(l).opacity)"
    assert set(page.evaluate(links)) == {"1"}
    assert said == []
    page.close()


def test_names_are_shown_and_never_run(chromium, tmp_path):
    page, said = opened(chromium, write_report(tmp_path / "evil.html", *evil_parts()), 375)
    assert said == []
    assert page.locator("h1").inner_text() == EVIL
    assert EVIL in page.locator("#heat-reference").text_content()
    assert any(EVIL in label for label in page.locator("#cash-sankey .node-label").all_text_contents())
    page.close()
