"""A law's printed formula is the law."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit, logit

from shopfloor.study.analysis.laws import LAWS, Law

Formula = Callable[[NDArray[np.float64], dict[str, NDArray[np.float64]]], NDArray[np.float64]]


def as_python(formula: str) -> str:
    """The right-hand side of a printed formula."""
    return re.sub(r"(\w|\)) (?=[(\w])", r"\1 * ", formula.split(" = ")[1].replace("^", "**"))


def printed(law: Law, volumes: NDArray[np.float64], named: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    if "K" in law.parameters:
        assert law.formula == "failure = (1 + (N / M)^(6 b))^(-1/6) up to K, (N / K)^-d of that at K beyond"
        before = (1 + (np.minimum(volumes, named["K"]) / named["M"]) ** (6 * named["b"])) ** (-1 / 6)
        return np.asarray(1 - before * np.maximum(volumes / named["K"], 1) ** -named["d"])
    if "beyond" in law.formula:
        assert law.formula == ("log-odds of success = logit(h) + b ln(N / M) up to M, logit(h) + d ln(N / M) beyond")
        slope = np.where(volumes < named["M"], named["b"], named["d"])
        return np.asarray(expit(logit(named["h"]) + slope * np.log(volumes / named["M"])))
    value = eval(as_python(law.formula), {}, {"N": volumes, **named})
    return np.asarray(1 - value if law.formula.startswith("failure") else value)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_the_formula_that_is_printed_is_the_one_that_is_fitted(law: Law) -> None:
    latent = np.random.default_rng(0).standard_normal((200, law.size))
    volumes = np.array([1.0, 10.0, 25.0, 100.0, 1000.0, 4000.0])
    values = law.values(latent)
    named = {name: values[:, [index]] for index, name in enumerate(law.parameters)}
    with np.errstate(over="ignore"):
        ours, theirs = law.success(np.log(volumes), latent), printed(law, volumes, named)
    assert ours == pytest.approx(theirs, abs=1e-6)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_a_law_rises_from_0_and_ends_at_its_ceiling(law: Law) -> None:
    latent = np.random.default_rng(1).standard_normal((200, law.size))
    rates = law.success(np.linspace(-5000, 5000, 401), latent)
    assert (np.diff(rates) >= -1e-12).all()
    assert rates[:, 0] == pytest.approx(0, abs=1e-3)
    ends = law.values(latent)[:, law.parameters.index("c")] if "c" in law.parameters else np.ones(200)
    assert rates[:, -1] == pytest.approx(ends, abs=1e-3)


def test_weights_a_priori_are_shares() -> None:
    assert sum(law.weight for law in LAWS if law.fewest <= 5) == pytest.approx(1)
