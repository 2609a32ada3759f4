"""The site says nothing that is not so: every block of every page runs, every word and field is told, nothing is broken."""

import contextlib
import dataclasses
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from transcripts import blocks, run_page

import waterfalls.words
from structuring.deals.deal_files import library
from structuring.runs.book_files import books

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if "_build" not in path.parts)
SLOW = {"howto/cluster.md"}  # starts processes


def name_of(page):
    return page.relative_to(DOCS).as_posix()


@pytest.fixture(scope="module")
def generated():
    """The modules that write parts of pages."""
    sys.path.insert(0, str(DOCS / "_ext"))
    yield importlib.import_module
    sys.path.remove(str(DOCS / "_ext"))


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, id=name_of(page), marks=[pytest.mark.slow] * (name_of(page) in SLOW)) for page in PAGES],
)
def test_every_block_runs_and_prints_what_the_page_says(page, tmp_path):
    with contextlib.chdir(tmp_path):
        for said in run_page(page.read_text(encoding="utf-8")):
            assert said.holds, (
                f"{name_of(page)} says otherwise of {said.what!r}, which prints:\n{said.actual}\n"
                f"python tests/transcripts.py docs/{name_of(page)} writes this into the page"
            )


def test_a_page_that_says_otherwise_is_found():
    (said,) = run_page("```python\nprint(1)\nprint(2)\n```\n\n```output\n1\n...\n```\n")
    assert said.holds
    (said,) = run_page("```python\nprint(1)\nprint(2)\n```\n\n```output\n1\n```\n")
    assert not said.holds
    (said,) = run_page("```console\n$ firstloss run vantage-jersy\n...\n```\n")
    assert not said.holds and "Did you mean 'vantage-jersey'" in said.actual
    with pytest.raises(AssertionError, match="No such command"):
        list(run_page("```console\n$ firstloss rnu vantage-jersey\n```\n"))
    with pytest.raises(AssertionError, match="nobody knows"):
        list(run_page("```pyhton\n1 / 0\n```\n"))


def test_what_is_done_once_on_a_machine_names_targets_that_exist():
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    for page in PAGES:
        for block in blocks(page.read_text(encoding="utf-8")):
            if block.kind == "shell":
                assert set(re.findall(r"^\$ make (\S+)", block.text, re.M)) <= set(targets), page


def test_every_word_of_the_language_is_told_with_what_it_prints(generated):
    language = generated("language")
    page = language.page()
    for word in language.OURS:
        section = re.search(rf"^### {word}\n(.*?)(?=^##)", page, re.M | re.S)
        assert section, f"the language's page says nothing of {word}"
        assert re.search(rf"\b{word}\(", language.EXAMPLES[word]) and "\n> " in section[1], word
        assert waterfalls.words.__dict__[word].__doc__, word
    assert set(language.EXAMPLES) == set(language.OURS)
    assert set(language.BY_MODIFIER) == set(language.MODIFIERS)


def test_every_field_of_every_term_has_a_meaning(generated):
    terms = generated("terms")
    found = {term for top in terms.DOCUMENTS.values() for term in terms.terms(top)}
    known = {term.__name__: {field.name for field in dataclasses.fields(term)} for term in found}
    assert {name: set(fields) for name, fields in terms.FIELDS.items()} == known


def test_every_public_name_is_documented(generated):
    announced = (ROOT / "tests" / "public_names.txt").read_text(encoding="utf-8").split()
    reference = generated("reference")
    for name in announced:
        package, _, public = name.partition(".")
        assert re.search(rf":: {package}\.{public}$", reference.page(package), re.M), name


def test_every_golden_case_is_used_and_every_shipped_deal_is_in_the_gallery(generated):
    validation = generated("validation")
    assert set(validation.known()) == {path.stem for path in (ROOT / "tests" / "golden").glob("*.json")}
    assert set(validation.known()) <= set(validation.users())
    index = (DOCS / "gallery" / "index.md").read_text(encoding="utf-8").split()
    for name in [*library(), *books()]:
        assert name in index and (DOCS / "gallery" / f"{name}.md").is_file(), name


@pytest.mark.slow
def test_no_tolerance_of_a_golden_case_is_above_twice_its_error_without_a_reason(generated):
    validation = generated("validation")
    for case in validation.known():
        assert set(validation.wide(case)) == set(validation.cases()[case].get("reasons", {})), case


@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_opens_offline(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-d", str(tmp_path / "cache"), str(DOCS), str(tmp_path / "site")],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": ""}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    site = sorted((tmp_path / "site").rglob("*.html"))
    assert len(site) > len(PAGES)
    loaded = re.compile(
        r"<(?:script|img|iframe|source)\b[^>]*\bsrc=\"(?:https?:)?//|<link\b[^>]*\bhref=\"(?:https?:)?//"
    )
    for file in [*site, *(tmp_path / "site").rglob("*.css")]:
        text = file.read_text(encoding="utf-8")
        assert not loaded.search(text), f"{file.name} loads from the network: {loaded.search(text)}"
        assert not re.search(r"url\(['\"]?(?:https?:)?//|@import", text), f"{file.name} loads from the network"
    validation = (tmp_path / "site" / "validation.html").read_text(encoding="utf-8")
    for case in (ROOT / "tests" / "golden").glob("*.json"):
        assert case.stem in validation
