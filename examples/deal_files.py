"""A shipped deal changed in Python, saved as a deal file, and read back equal."""

import dataclasses
from pathlib import Path
from tempfile import TemporaryDirectory

from structuring import load_deal, save_deal
from waterfalls import Trigger, dscr
from waterfalls.errors import InvalidTerms

deal = load_deal("vantage-jersey")
stricter = [Trigger("cash trap", test=dscr(trailing=2) < 1.45, cure=3), *deal.triggers[1:]]
mine = dataclasses.replace(deal, name="vantage-jersey, stricter", triggers=stricter)

with TemporaryDirectory() as folder:
    file = Path(folder) / "mine.yaml"
    save_deal(mine, file)
    assert load_deal(file) == mine
    print("\n".join(line for line in file.read_text().splitlines() if "cash trap" in line or "dscr" in line))

    file.write_text(
        file.read_text().replace("maturity", "maturty").replace("pay(interest('B'))", "pay(interest('Bee'))")
    )
    try:
        load_deal(file)
    except InvalidTerms as error:
        print("\nWith two mistakes in it:\n", error)
