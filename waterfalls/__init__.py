"""Who is paid, and in what order: the language of payment, the engines that run it, and the cash flows they leave."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
