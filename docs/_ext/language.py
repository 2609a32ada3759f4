"""The page of the language: every word, sign and modifier with its meaning, an example, and the English it prints."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
from collections.abc import Iterator

from docstrings import markdown, prose

from structuring.deals.deal_files import library, load_deal
from waterfalls import words
from waterfalls.checks import regimes_of
from waterfalls.clauses.pay import SHARINGS
from waterfalls.clauses.waterfall import Clause
from waterfalls.errors import InvalidTerms
from waterfalls.language.expressions import Condition, Number
from waterfalls.language.parsing import parse
from waterfalls.language.vocabulary import MODIFIERS, WORDS

OURS = sorted(name for name in WORDS if hasattr(words, name))  # the words of this project
EXAMPLES = {  # what is read and printed when the site is built
    "pay": "pay(interest('A-1', 'A-2'), sharing='pro rata by due').supported_by('liquidity reserve')",
    "call": "call(price=pool_balance()).when(pool_balance() < 10e6)",
    "debit": "debit('ledger B', 'ledger A', amount=receipt('losses'))",
    "draw": "draw('take-out', amount=min_(balance('A'), 0.65 * receipt('value'))).when(on_or_after('2029-05-20'))",
    "release": "release('liquidity reserve', to=0).when(pool_balance() <= 0)",
    "write_down": "write_down('E', 'B', 'A', amount=max_(balance('A', 'B', 'E') - pool_balance(), 0))",
    "write_up": "write_up('A', 'B', amount=receipt('recoveries'))",
    "interest": "pay(interest('A'))",
    "additional_interest": "pay(additional_interest('A-2', 'B'), sharing='sequential')",
    "fee": "pay(fee('trustee', 'servicer'), sharing='pro rata by due').capped(500e3)",
    "expense": "pay(expense('operating'))",
    "hedge": "pay(hedge('rate swap'))",
    "principal": "pay(principal('A', 'B'), sharing='sequential').capped(principal_collections())",
    "scheduled_principal": "pay(scheduled_principal('A'))",
    "top_up": "pay(top_up('liquidity reserve'))",
    "deposit": "pay(deposit('cash trap')).when(trigger('cash trap'))",
    "residual": "pay(residual('E'))",
    "credit": "pay(credit('ledger A', 'ledger B'), sharing='sequential')",
    "premium": "pay(premium('A')).capped(make_whole('A', rate=0.045))",
    "purchase": "pay(purchase('new receivables')).capped(principal_collections()).when(~on_or_after('2029-06-15'))",
    "at_start": "at_start(balance('A')) / 2",
    "average": "average(dscr(), dates=4) < 1.25",
    "balance": "balance('A-1', 'A-2')",
    "by_date": "by_date({'2028-01-15': 20e3, '2029-01-15': 35e3})",
    "cash": "0.5 * cash()",
    "count": "count(balance('A') > 0, balance('B') > 0)",
    "cumulative": "cumulative('losses') > 0.05 * 900e6",
    "cure": "pay(principal('A')).capped(cure(oc_ratio('A'), level=1.25))",
    "debt_service": "debt_service('A')",
    "defaulted_balance": "defaulted_balance() > 0.1 * pool_balance()",
    "deficiency": "deficiency('ledger A', 'ledger B')",
    "defined": "defined('adjusted pool balance')",
    "drawn": "drawn('A-1')",
    "dscr": "dscr(trailing=2) < 1.35",
    "expense_due": "expense_due('operating')",
    "fee_due": "fee_due('trustee', 'servicer')",
    "forward_dscr": "forward_dscr('A', periods=4) < 1.20",
    "held": "held('cash trap')",
    "hurdle": "pay(residual('E')).capped(hurdle('E', irr=0.12))",
    "ic_ratio": "ic_ratio('B', of=interest_collections()) < 1.10",
    "interest_accrued": "interest_accrued('A', 'B')",
    "interest_collections": "interest_collections()",
    "interest_due": "interest_due('A', 'B')",
    "llcr": "llcr('A', rate=0.06) < 1.40",
    "ltv": "ltv('B') > 0.70",
    "make_whole": "make_whole('A', rate=0.045, until='2029-05-20')",
    "max_": "max_(balance('A') - pool_balance(), 0)",
    "min_": "min_(oc_ratio('A'), 10)",
    "oc_ratio": "oc_ratio('A', of=pool_balance() - 0.5 * defaulted_balance()) < 1.25",
    "pool_balance": "pool_balance() < 0.1 * 900e6",
    "principal_collections": "principal_collections()",
    "ratio": "ratio(held('liquidity reserve'), balance('A'), zero=1) < 0.02",
    "receipt": "0.65 * receipt('value')",
    "stepped": "dscr() < stepped(1.35, {'2028-05-30': 1.45})",
    "taxable": "taxable(interest_collections() - interest_accrued('A'), carried=5e6, limit=0.8)",
    "undrawn": "undrawn('A-1')",
    "always": "always()",
    "at_once": "at_once(event('contract breach'))",
    "called": "~called()",
    "event": "event('refinancing freeze')",
    "event_of_default": "event_of_default()",
    "on_or_after": "on_or_after('2029-05-20')",
    "trigger": "trigger('cash trap')",
    "yearly": "yearly('01-31')",
}  # fmt: skip
BY_MODIFIER = {
    "when": "pay(principal('B')).when(~trigger('turbo')).when(on_or_after('2027-01-15'))",
    "capped": "pay(principal('A')).capped(principal_collections()).capped(1e6)",
    "supported_by": "pay(interest('A')).supported_by('liquidity reserve', 'letter of credit')",
    "from_": "pay(interest('A')).from_('liquidity reserve')",
}
SIGNS = [
    "balance('A') + 2 * balance('B') - 1e6",
    "balance('A') / 4",
    "dscr() <= 1.25",
    "(dscr() < 1.25) & ~event('waiver')",
    "(dscr() < 1.25) | (ltv('A') >= 0.75)",
]
REFUSED = [
    "pay(intrest('A'))",
    "pay(interest(A))",
    "pay(interest('A', 'B'))",
    "pay(interest('A')).when(dscr() < 1.25 & oc_ratio('A') < 1.1)",
    "pay(interest('A')).when(1 < dscr() < 2)",
    "pay(interest('A')).when(not trigger('turbo'))",
    "pay(principal('A')).capped(balance('A') / pool_balance())",
    "pay(principal('A')).when(dscr() - ic_ratio('A') < 0)",
    "pay(interest('A')).supported_by('reserve').supported_by('line')",
    "__import__('os')",
]
GROUPS = {
    "Clauses": "One step of the waterfall. Steps are taken in the order in which they stand, and each takes the cash that those before it left.",
    "Claims": "Whom or what a `pay` pays. Several names are several claims, and then the clause says how they share.",
    "Numbers": "An amount, a rate or a ratio, as it stands at the clause that reads it; `at_start` reads what was so at determination.",
    "Conditions": "What is true or false: the test of a trigger, what comes after `when`, and when a regime begins.",
}


@dataclasses.dataclass(frozen=True)
class Entry:
    """One word as the page shows it."""

    name: str
    group: str
    signature: str
    meaning: str
    example: str


def entries() -> Iterator[Entry]:
    """Every word of the registry, those of other packages last; one of ours without an example is an error."""
    for name in (*OURS, *sorted(WORDS.keys() - set(OURS))):
        made = WORDS[name]
        returns = inspect.signature(made).return_annotation
        group = {"Number": "Numbers", "Condition": "Conditions", "Any": "Claims"}.get(returns, "Clauses")
        yield Entry(name, group, signature(made), inspect.getdoc(made) or "", example_of(name))


def example_of(name: str) -> str:
    """A sentence with a word: of another package's the first that its docstring quotes."""
    if name in OURS:
        return EXAMPLES[name]
    return next(iter(re.findall(rf"`([^`]*\b{name}\([^`]*)`", WORDS[name].__doc__ or "")), "")


def signature(made: object) -> str:
    """How a word is said: its arguments without the types that say nothing."""
    given = inspect.signature(made)  # type: ignore[arg-type]
    parameters = [
        p.replace(annotation=inspect.Parameter.empty) if p.annotation == "Any" else p
        for p in given.parameters.values()
        if p.name != "self"
    ]
    bare = given.replace(parameters=parameters, return_annotation=inspect.Signature.empty)
    return getattr(made, "__name__", "") + re.sub(r": '([^']*)'", r": \1", str(bare))


def said(text: str) -> str:
    """A sentence as it is written and as a prospectus says it, both after it was read."""
    sentence = parse(text, (Clause, Number, Condition))
    return f"```python\n{sentence}\n```\n\n> {sentence.words()}\n"


@functools.cache
def used() -> dict[str, list[str]]:
    """The shipped deals in whose texts each word stands."""
    found: dict[str, list[str]] = {}
    for name in library():
        deal = load_deal(name)
        waterfalls = [str(clause) for waterfall in regimes_of(deal.waterfall).values() for clause in waterfall.clauses]
        for word in set(re.findall(r"\b(\w+)\(", " ".join([*waterfalls, str(deal)]))):
            found.setdefault(word, []).append(name)
    return found


def of(entry: Entry) -> str:
    """The section of one word."""
    deals = ", ".join(f"[{name}](gallery/{name}.md)" for name in used().get(entry.name, ()))
    where = f"\nUsed by {deals}.\n" if deals else ""
    return f"### {entry.name}\n\n```python\n{entry.signature}\n```\n\n{markdown(entry.meaning)}\n\n{said(entry.example) if entry.example else ''}{where}"


def refusal(text: str) -> str:
    """What is said of a sentence that is refused."""
    try:
        parse(text, (Clause, Number, Condition))
    except InvalidTerms as error:
        return str(error).removeprefix(f"in {text!r}: ")
    raise AssertionError(f"{text} is read, so it is no example of what is refused")


def page() -> str:
    """The whole reference, as Markdown."""
    found, parts = list(entries()), []
    for group, meaning in GROUPS.items():
        parts += [f"## {group}\n\n{meaning}\n", *(of(entry) for entry in found if entry.group == group)]
    parts.append("## Modifiers\n\nThey may follow any clause that allows them, in any order.\n")
    for name in sorted(MODIFIERS):
        modifier = getattr(Clause, name)
        parts.append(f"### .{name}\n\n{markdown(inspect.getdoc(modifier) or '')}\n\n{said(BY_MODIFIER[name])}")
    sharings = ", ".join(f"`{name!r}`" for name in SHARINGS)
    parts.append(f"## Sharing\n\n`sharing=` is one of {sharings}; `shares=` gives each name its weight.\n")
    parts += [
        said(f"pay(principal('A', 'B'), {how})")
        for how in (*(f"sharing={name!r}" for name in SHARINGS), "shares={'A': 3, 'B': 1}")
    ]
    parts.append("## Signs\n\nNumbers take `+ - * /`, comparisons `< <= > >=`, conditions `& | ~`.\n")
    parts += map(said, SIGNS)
    parts.append("## What is refused\n\nA sentence that could mean two things, or nothing, is refused with advice.\n")
    parts += [f"```python\n{text}\n```\n\n> {prose(refusal(text))}\n" for text in REFUSED]
    return "\n".join(parts)
