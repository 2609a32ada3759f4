"""explain: a payment date as its regime, its tests and its clauses stood; every row of the sayable test checks its numbers."""

from tiny import flows_from, plan_from


def test_a_regime_that_begins_at_once_is_told_as_of_the_date():
    text = (
        "waterfall: {before: [\"pay(residual('E'))\"], after: [\"pay(residual('E'))\"]}\n"
        "regimes: {after: \"at_once(event('insolvency'))\"}"
    )
    flows = flows_from(plan_from(text), interest=[1, 1, 1], events={"insolvency": [[0, 1, 1]]})
    assert [flows.explain("given", date).regime for date in flows.dates] == ["before", "after", "after"]


def test_readings_say_what_a_test_read_and_how_it_stood():
    text = "triggers: [{name: T, test: \"receipt('defaults') > 3\"}]\nwaterfall: [pay(residual('E'))]"
    flows = flows_from(plan_from(text), interest=[1, 1, 1], defaults=[4, 2, 2])
    assert flows.explain("given", flows.dates[0]).triggers == ("T is on; receipt('defaults') > 3: 4, so yes",)
    assert flows.explain("given", flows.dates[1]).triggers == ("T is off; receipt('defaults') > 3: 2, so no",)
