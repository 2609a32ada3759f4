"""What the deal is: its vehicle, its collateral, what can happen to it, and who holds it."""

import warnings
from importlib.util import find_spec
from pathlib import Path

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)

# `pricing` and `waterfalls` are also names of unrelated packages on the public index: say so once, and how to mend it.
_HERE = Path(__file__).parent.parent
for _name in ("waterfalls", "pricing"):
    _spec = find_spec(_name)
    _origin = Path(_spec.origin).parent if _spec is not None and _spec.origin else None
    if _origin != _HERE / _name:
        warnings.warn(
            f"the package {_name!r} of firstloss, beside {Path(__file__).parent}, is shadowed by "
            f"{_origin or 'nothing that can be imported'}: uninstall the other {_name!r}, or put "
            f"{_HERE} first on the import path",
            stacklevel=2,
        )
