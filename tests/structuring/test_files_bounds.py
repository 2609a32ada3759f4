"""Files of any content: read, or refused with the line; never Python's own error, never without end, never out of memory."""

import json
import time

import pytest

from pricing.bearers.institutions import load_institutions
from pricing.market.market_files import load_market
from structuring import load_deal, save_deal
from structuring.deals.deal_files import load_scenarios
from structuring.generators.named_stresses import load_stress
from structuring.runs.book_files import load_book
from waterfalls.errors import FirstLossError, InvalidTerms

LOADERS = {
    "firstloss": load_deal,
    "firstloss-scenarios": load_scenarios,
    "firstloss-market": load_market,
    "firstloss-institutions": load_institutions,
    "firstloss-stress": load_stress,
    "firstloss-book": load_book,
}
BILLION = "\n".join(  # nine levels of nine: 9^9 names of a file of 600 bytes
    ["a0: &a0 [x, x, x, x, x, x, x, x, x]", *(f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]" for k in range(1, 10))]
)
ODD = [  # what follows the mark on line 1, the line told, what is said
    ("a: " + "[" * 3_000 + "]" * 3_000, 2, "deep"),
    ("a: " + "{b: " * 3_000 + "}" * 3_000, 2, "deep"),
    ("\n".join(f"{'  ' * k}a:" for k in range(3_000)), 101, "deep"),
    ("a:\n" + "- " * 3_000 + "x", 3, "deep"),
    (BILLION, None, "expand"),
    ("name: &a [*a]", 2, "inside"),
    ("name: &a {b: *a}", 2, "inside"),
    ("a: 1\nname: !!int xx", 3, "tag"),
    ("name: !!bool maybe", 2, "tag"),
    ("name: !!float maybe", 2, "tag"),
    ("name: !!timestamp maybe", 2, "tag"),
    ("name: !!binary '*'", 2, "tag"),
    ("name: !!set {a, b}", 2, "tag"),
    ("name: !!python/object/apply:os.system ['true']", 2, "tag"),
    ("name: !!omap [a, b]", 2, "tag"),
    ("a: 1\nname: " + "1" * 5_000, 3, "digits"),
    ("name: 0x" + "f" * 5_000, 2, "digits"),
    ("name: -" + "1" * 5_000, 2, "digits"),
    ("? [a, b]\n: c", 2, "key"),
    ("? {a: b}\n: c", 2, "key"),
    ("name: 'x", None, "."),
    ("name: \"\\ud800\"", 2, "control character"),
    ("name: \"a\\0b\"", 2, "control character"),
    ("--- a\n--- b", None, "."),
]  # fmt: skip


@pytest.mark.parametrize("mark", LOADERS)
@pytest.mark.parametrize(("body", "line", "said"), ODD, ids=lambda part: str(part)[:24])
def test_an_odd_yaml_file_is_refused_with_its_line(tmp_path, mark, body, line, said):
    file = tmp_path / "odd.yaml"
    file.write_text(f"{mark}: 1\n{body}\n", encoding="utf-8")
    began = time.monotonic()
    with pytest.raises(InvalidTerms, match=said) as refused:
        LOADERS[mark](file)
    assert time.monotonic() - began < 5.0
    assert line is None or f"line {line}" in str(refused.value)


@pytest.mark.parametrize(
    ("body", "line", "said"),
    [
        ('"name":\n' + "[" * 200_000 + "]" * 200_000, 3, "deep"),
        ('"name":\n' + "[" * 200_000, 3, "deep"),
        ('"a": "[[[",\n"name":' + '{"b":' * 3_000 + "1" + "}" * 3_000, 3, "deep"),
        ('"a": 1,\n"name": ' + "1" * 5_000, 3, "digits"),
        ('"name": 1e999', None, "."),
        ('"name": NaN', None, "."),
        ('"name": "a\\u0000b"', 2, "control character"),
        ('"name": "\\ud800"', 2, "control character"),
    ],
    ids=lambda part: str(part)[:24],
)
def test_an_odd_json_file_is_refused_with_its_line(tmp_path, body, line, said):
    file = tmp_path / "odd.json"
    file.write_text('{"firstloss": 1,\n' + body + "}", encoding="utf-8")
    with pytest.raises(InvalidTerms, match=said) as refused:
        load_deal(file)
    assert line is None or f"line {line}" in str(refused.value)


def test_aliases_that_say_once_what_stands_often_are_read(tmp_path):
    """Shared sources, as they are written by hand."""
    file = tmp_path / "deal.json"
    save_deal(load_deal("beignet-2025"), file)
    whole = json.loads(file.read_text("utf-8"))
    text = json.dumps(whole)
    tranche = json.dumps(whole["tranches"][0])
    (tmp_path / "shared.yaml").write_text(
        text.replace(tranche, f"&t {tranche}", 1).replace("{", "{ "), encoding="utf-8"
    )
    assert load_deal(tmp_path / "shared.yaml") == load_deal("beignet-2025")


@pytest.mark.parametrize("load", LOADERS.values(), ids=LOADERS)
@pytest.mark.parametrize("name", ["a\0b.yaml", "a\0b", "\ud800.yaml", "x" * 5_000 + ".yaml", ".", "", "/dev/null"])
def test_a_path_that_is_none_is_refused(load, name):
    with pytest.raises(FirstLossError):
        load(name)


def test_a_file_without_end_is_refused():
    with pytest.raises(InvalidTerms, match="larger than"):
        load_market("/dev/zero")


def test_a_null_where_a_list_belongs_is_refused_with_its_line(tmp_path):
    file = tmp_path / "stress.yaml"
    file.write_text("firstloss-stress: 1\nname: x\nstory: y\neffects:\n  project:\n", encoding="utf-8")
    with pytest.raises(InvalidTerms, match="line 5.*list"):
        load_stress(file)


@pytest.mark.parametrize(
    ("deal", "change", "said"),
    [
        ("beignet-2025", ("maturity: 2049-05-30", "maturity: 2205-05-30"), "1901 to 2199"),
        ("beignet-2025", ("payment_lag: 0", "payment_lag: 3000000"), "payment_lag"),
    ],
)
def test_terms_out_of_all_bounds_are_refused(tmp_path, deal, change, said):
    from structuring.deals.deal_files import find_deal

    text = find_deal(deal).read_text("utf-8")
    old, new = change
    text = text.replace(old, new) if old in text else text + f"\n{new}\n"
    (tmp_path / "deal.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidTerms, match=said) as refused:
        load_deal(tmp_path / "deal.yaml")
    assert "line " in str(refused.value)


def test_a_spread_of_a_stress_that_no_paper_has_is_refused_with_its_line(tmp_path):
    file = tmp_path / "stress.yaml"
    file.write_text("firstloss-stress: 1\nname: x\nstory: y\nspread: {AA: 1}\nrates: 40000000\n", encoding="utf-8")
    with pytest.raises(InvalidTerms, match="line 5, rates: must be basis points, at most 100,000"):
        load_stress(file)
