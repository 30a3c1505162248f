"""The four special functions this package takes from scipy, which is imported on first use, not before."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any


@cache
def _special() -> Any:
    return import_module("scipy.special")


def beta_cdf(a: float, b: float, x: float) -> float:
    """Regularised incomplete beta function I_x(a, b), for a, b > 0 and x in [0, 1]."""
    return float(_special().betainc(a, b, x))


def beta_quantile(a: float, b: float, probability: float) -> float:
    """The x in [0, 1] with I_x(a, b) = probability."""
    return float(_special().betaincinv(a, b, probability))


def t_quantile(df: float, probability: float) -> float:
    """The t with P[T <= t] = probability for Student's t with ``df`` > 0 degrees of freedom (inf: normal)."""
    return float(_special().stdtrit(df, probability))


def t_tail(df: float, t: float) -> float:
    """P[T >= t] for Student's t with ``df`` > 0 degrees of freedom."""
    return float(_special().stdtr(df, -t))
