"""Ten thousand paths on which everything goes wrong together: what each tranche of a GPU-backed loan loses."""

from structuring import load_deal, study, summary
from structuring.generators.sector_model import SectorModel
from structuring.simulation.copula import Copula


def progress(done: int, total: int) -> None:
    print(f"\r{done:,} of {total:,} paths", end="" if done < total else "\n", flush=True)


deal = load_deal("coreweave-ddtl-4")
paths = SectorModel().paths(deal, 10_000, seed=7)  # customer, parent, GPU price and resale under one AI-sector factor
result = study(deal, paths, measure=summary(), rates={"SOFR": 0.04}, workers=2, progress=progress)
losses = result.frame().query("total == 'loss'").set_index("tranche")
print(losses[["mean", "standard_error", "q95", "q99"]].div(1e6).round(1))

# The same chances of failure and the same prices, but apart: what the common factor alone adds.
print("\nloss of 'fixed' (millions)    mean   worst in a hundred")
for name, copula in (("each on its own", Copula(0.0)), ("one AI factor", Copula(0.35))):
    found = study(deal, SectorModel(copula=copula).paths(deal, 4096, seed=7), measure=summary(), rates={"SOFR": 0.04})
    row = found.frame().query("total == 'loss' and tranche == 'fixed'").iloc[0]
    print(f"{name:<27}{row['mean'] / 1e6:8.0f} {row['q99'] / 1e6:12.0f}")
