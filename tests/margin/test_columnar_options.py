"""Option risk over arrays: the scalar formula position by position."""

import random
from collections import defaultdict
from decimal import Decimal

import numpy as np
import pytest

from margin.columnar.arithmetic import E4
from margin.columnar.option_points import Series, option_risks
from margin.errors import MarginError
from margin.money import half_up
from margin.rulebook import REFERENCE

POINTS = 10
CHARGE = Decimal("0.375")


@pytest.mark.parametrize("seed", range(5))
def test_risks_equal_the_formula_of_every_position(seed: int) -> None:
    draw = random.Random(seed)
    count = 30
    prices = [draw.randint(1, 200_000) for _ in range(count)]
    values = [[draw.randint(0, 400_000) for _ in range(POINTS)] for _ in range(count)]
    shares = [draw.choice((10, 100)) for _ in range(count)]
    classes = [draw.randrange(8) for _ in range(count)]
    held = [(a, s) for a in range(40) for s in draw.sample(range(count), draw.randrange(6))]
    contracts = [draw.choice((-1, 1)) * draw.randint(1, 50) for _ in held]
    points = defaultdict[tuple[int, int], list[Decimal]](lambda: [Decimal(0)] * POINTS)
    minimum = defaultdict[tuple[int, int], Decimal](Decimal)
    for (account, s), number in zip(held, contracts, strict=True):
        price = Decimal(prices[s]) / E4
        gains = [number * shares[s] * (Decimal(v) / E4 - price) for v in values[s]]
        key = (account, classes[s])
        points[key] = [sum(pair, Decimal(0)) for pair in zip(points[key], gains, strict=True)]
        charge = abs(number) * shares[s] * CHARGE
        minimum[key] += charge if number < 0 else min(charge, number * shares[s] * price)
    found = option_risks(
        np.array([a for a, _ in held], np.int64),
        np.array([s for _, s in held], np.int64),
        np.array(contracts, np.int64),
        Series(
            price_usd_e4=np.array(prices),
            theoretical_usd_e4=np.array(values),
            multiplier=np.array(shares),
            class_group=np.array(classes),
        ),
        REFERENCE,
    )
    keys = sorted(points)
    assert list(zip(found.account.tolist(), found.class_group.tolist(), strict=True)) == keys
    assert found.points_usd_e4.tolist() == [[int(p * E4) for p in points[key]] for key in keys]
    assert found.minimum_usd_e4.tolist() == [int(minimum[key] * E4) for key in keys]
    assert found.requirement_usd_e4.tolist() == [
        int(half_up(max(-min(points[key]), minimum[key]), 2) * E4) for key in keys
    ]


def one_series(price_e4: int) -> Series:
    """A series that no move touches."""
    return Series(
        price_usd_e4=np.array([price_e4]),
        theoretical_usd_e4=np.full((1, POINTS), price_e4),
        multiplier=np.array([100]),
        class_group=np.array([0]),
    )


@pytest.mark.parametrize(
    ("contracts", "price_e4", "requirement_e4"),
    [
        pytest.param(1, 50_000, 375_000, id="long"),
        pytest.param(-1, 50_000, 375_000, id="short"),
        pytest.param(1, 1_000, 100_000, id="long, worth less than the charge"),
        pytest.param(-1, 1_000, 375_000, id="short, worth less than the charge"),
    ],
)
def test_minimum_charge(contracts: int, price_e4: int, requirement_e4: int) -> None:
    one = np.array([0])
    found = option_risks(one, one, np.array([contracts]), one_series(price_e4), REFERENCE)
    assert found.requirement_usd_e4.tolist() == [requirement_e4]


def test_no_position_has_no_risk() -> None:
    none = np.zeros(0, np.int64)
    found = option_risks(none, none, none, one_series(50_000), REFERENCE)
    assert found.points_usd_e4.shape == (0, POINTS)
    assert found.requirement_usd_e4.tolist() == []


def test_amounts_that_could_leave_int64_are_refused() -> None:
    one = np.array([0])
    with pytest.raises(MarginError, match=r"below 2\*\*62"):
        option_risks(one, one, np.array([10**12]), one_series(50_000), REFERENCE)
