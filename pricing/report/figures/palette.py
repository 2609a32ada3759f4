"""The colours of tranches, classes and components, safe for the colour-blind, legible on light and dark."""

from __future__ import annotations

from collections.abc import Sequence

from structuring.deals.holdings import UNIDENTIFIED

# From senior to junior: blue to vermilion, told apart by every common kind of colour vision (after Okabe and Ito).
SENIOR_TO_JUNIOR = ((0x1F, 0x6F, 0xB2), (0x6A, 0xB4, 0xDE), (0xE3, 0xB0, 0x3C), (0xCF, 0x5F, 0x1E))
# Classes have no order: Paul Tol's light scheme.
CLASSES = ("#77AADD", "#EE8866", "#44BB99", "#EEDD88", "#FFAABB", "#99DDFF", "#BBCC33", "#AAAA00")
NEUTRAL = "#9AA3AB"
COMPONENTS = {"credit": "#BB5566", "rates": "#4F86C6", "spread": "#DDAA33"}  # after Tol's high contrast
REFERENCE, STRESS = "#7D8790", "#CF5F1E"
GAIN, LOSS = "#1F6FB2", "#CF5F1E"


def tranche_colours(names: Sequence[str]) -> dict[str, str]:
    """A colour for each tranche, evenly from the most senior to the most junior."""
    last = max(len(names) - 1, 1)
    places = {3: (0.0, 2 / 3, 1.0)}.get(
        len(names), [i / last for i in range(len(names))]
    )  # no khaki between blue and amber
    return {name: mixed(place) for name, place in zip(names, places, strict=True)}


def mixed(at: float) -> str:
    """The colour at a place from 0, senior, to 1, junior."""
    place = at * (len(SENIOR_TO_JUNIOR) - 1)
    i = min(int(place), len(SENIOR_TO_JUNIOR) - 2)
    part = place - i
    pairs = zip(SENIOR_TO_JUNIOR[i], SENIOR_TO_JUNIOR[i + 1], strict=True)
    return "#" + "".join(f"{round(a + part * (b - a)):02X}" for a, b in pairs)


def class_colours(names: Sequence[str]) -> dict[str, str]:
    """A colour for each investor class; what is not known is grey."""
    known = [name for name in names if name != UNIDENTIFIED]
    found = {name: CLASSES[i % len(CLASSES)] for i, name in enumerate(known)}
    return {name: found.get(name, NEUTRAL) for name in names}


def faded(colour: str, alpha: float = 0.45) -> str:
    """A colour let through by what lies behind it."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"


def ink_on(colour: str) -> str:
    """Black or white, whichever reads better on a colour."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#111418" if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else "#FFFFFF"
