"""What collateral may report: the names of the fields of `Receipts`, and how costs are called in the waterfall."""

CASH = ("interest", "principal", "prepayments", "recoveries", "resale", "revenue", "guarantee")  # posted, in this order
COSTS = ("operating_cost", "construction")  # owed to vendors: the waterfall pays them with expense(...)
STATE = (  # at the end of the period; par, and in `..._value` what it would fetch
    "pool_balance", "defaulted_balance", "value", "delinquent_30", "delinquent_60", "delinquent_90",
    "ccc_balance", "ccc_value", "discount_balance", "discount_value", "defaulted_value", "defaulted_recovery",
)  # fmt: skip
MEMO = ("defaults", "losses", "contracted")  # told, but neither cash nor state
UNKNOWN = ("pool_balance", "value", "delinquent_30", "delinquent_60", "delinquent_90", "contracted")  # unless reported
FIELDS = (*CASH, *COSTS, *STATE, *MEMO)
EXPENSES = {"operating": "operating_cost", "construction": "construction"}  # expense(name) -> the field it pays
