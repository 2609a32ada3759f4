"""What it is worth, and who is hurt: tranche prices under spread shocks, and losses by investor class."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
