"""The shipped deals read like their documents: the steps of the priority of payments, in order, as a prospectus says them."""

import pytest

from structuring import load_deal

DOCUMENTS = {
    # the eight steps of the monthly priority of payments
    ("coreweave-ddtl-4", "before default"): [
        "to pay operating costs",
        "to pay the agent fee, the undrawn fee and the rate swap hedge",
        "to pay interest on floating and interest on fixed, pro rata to what is due",
        "to pay scheduled principal of floating and scheduled principal of fixed",
        "to pay into the liquidity reserve up to its target",
        "to pay into the power reserve up to its target",
        "to pay into the cash trap, if the cash-trap event trigger is on",
        "to pay the management fee",
        "to pay the remainder to equity",
    ],
    # senior before enforcement ...
    ("vantage-jersey", "before enforcement"): [
        "to pay operating costs",
        "to pay interest on A-1",
        "to pay interest on A-2",
        "to pay interest on B",
        "to pay scheduled principal of A-2",
        "to pay additional interest on A-2 and additional interest on B",
        "to pay the remainder to equity",
    ],
    # ... and pari passu after
    ("vantage-jersey", "after enforcement"): [
        "to pay interest on A-1 and interest on A-2, pro rata to what is due",
        "to pay principal of A-1 and principal of A-2, pro rata to their balances",
        "to pay interest on B",
        "to pay principal of B",
    ],
    ("beignet-2025", None): [
        "to pay construction costs",
        "to pay interest on notes, drawing where cash does not suffice on the capitalised interest and debt service reserve",
        "to pay scheduled principal of notes",
        "to pay principal of notes, if the lease ended trigger is on",
        "to pay the remainder to equity",
    ],
}


@pytest.mark.parametrize(("name", "regime"), DOCUMENTS, ids=lambda part: str(part))
def test_it_reads_in_the_order_of_its_document(name, regime):
    waterfall = load_deal(name).waterfall
    said = (waterfall if regime is None else waterfall[regime]).words()
    places = [said.find(step) for step in DOCUMENTS[name, regime]]
    assert -1 not in places, DOCUMENTS[name, regime][places.index(-1)]
    assert places == sorted(places)
