"""Amounts of money in sentences, in millions or billions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def money(amount: float, unit: float = 1e6) -> str:
    """`12.3m`, or `12.3bn` where the unit is a billion."""
    return f"{amount / unit:,.1f}{'m' if unit == 1e6 else 'bn'}"


def listed(amounts: Mapping[str, float] | Any, unit: float = 1e6) -> str:
    """`banks 1.0m, insurers 2.0m`, what is nothing left out."""
    return (
        ", ".join(f"{who} {money(amount, unit)}" for who, amount in amounts.items() if abs(amount) >= 0.05 * unit)
        or "nobody"
    )
