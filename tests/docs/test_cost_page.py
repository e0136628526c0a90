"""Every amount on the cost page, and in the README, is what the model computes."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from support.pages import ROOT

from local.cost.estimate import CLASS_HOURS, SCENARIOS, STUDENTS, usd
from local.cost.model import ALARMS, PARTITIONS, Shape, busy_hour, by_part, total
from local.cost.prices import HOURS_A_MONTH, price, prices

PAGE = (ROOT / "docs" / "09-cost-and-cleanup.md").read_text()
README = (ROOT / "README.md").read_text()
# tests/scenarios/test_teardown.py finds them where the timer's teardown has ended.
TEARDOWN_ALARMS = 3
SHAPES = (Shape(), Shape(esm_mode="provisioned"), Shape(transport="kinesis"))
ROWS = {
    "demo": "one stack set, one hour of a demo",
    "class": "20 stack sets, a class of 8 hours",
    "idle": "a month left up, the job stopped",
    "always": "a month around the clock, the job running",
}
AMOUNT = re.compile(r"\$(\d[\d,]*(?:\.\d+)?)")


def hours(shape: Shape, count: int) -> Decimal:
    return total(busy_hour(shape)) * count


def amounts() -> set[str]:
    """Everything that may be said in dollars."""
    estimates = [make(shape) for make in SCENARIOS.values() for shape in SHAPES]
    on_demand, provisioned, kinesis = SHAPES
    month = HOURS_A_MONTH
    said = {
        *(one.usd for one in estimates),
        *(claim for one in estimates for claim in one.claims_usd),
        *(hours(shape, CLASS_HOURS) for shape in SHAPES),
        price("msk_cluster").usd_an_hour * month,
        price("msk_partition").usd_an_hour * month * PARTITIONS,
        price("kms").usd,
        price("alarm").usd * TEARDOWN_ALARMS,
        (STUDENTS - 1) * hours(on_demand, CLASS_HOURS),
        hours(on_demand, 1) - hours(kinesis, 1),
        hours(provisioned, 1) - hours(on_demand, 1),
    }
    plain = {usd(amount).lstrip("$") for amount in said}
    return {*plain, *(text.removesuffix(".00") for text in plain), "0", "600"}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_of_the_table_is_the_estimate(name: str) -> None:
    cells = [usd(SCENARIOS[name](shape).usd) for shape in SHAPES]
    claims = " and ".join(
        usd(claim).replace(".00", ".00" if claim < 100 and name != "always" else "")
        for claim in SCENARIOS[name](SHAPES[0]).claims_usd
    )
    assert f"| {ROWS[name]} | {' | '.join(cells)} | {claims} |" in PAGE


def test_no_other_amount_is_said() -> None:
    known = amounts()
    for text in (PAGE, README):
        assert [found for found in AMOUNT.findall(text) if found not in known] == []


def test_an_amount_that_nothing_computes_would_be_noticed() -> None:
    assert AMOUNT.findall("it is $1,234.50 and $7") == ["1,234.50", "7"]
    assert not {"1,234.50", "613"} & amounts()


def test_the_parts_of_an_hour_are_the_models() -> None:
    for part, amount in by_part(busy_hour(SHAPES[0])).items():
        assert re.search(rf"^\| {part} \| .* \| {amount:.4f} \|$", PAGE, re.MULTILINE), part
    assert f"{PARTITIONS} partitions x 0.0015" in PAGE
    assert f"{ALARMS} alarms x 0.10" in PAGE


def test_the_factors_and_the_gap_are_the_models() -> None:
    low, high = (SCENARIOS["class"](shape).factors for shape in SHAPES[:2])
    assert f"{min(low):.0f} to {max(high):.0f} times" in PAGE
    idle = SCENARIOS["idle"](SHAPES[0])
    gap = idle.usd - idle.claims_usd[0]
    assert "about $600" in PAGE
    assert round(gap, -2) == 600


def test_the_page_says_in_plain_words_what_forgetting_costs() -> None:
    assert SCENARIOS["idle"](SHAPES[0]).usd > 500
    assert f"**A month of forgotten stacks costs {usd(SCENARIOS['idle'](SHAPES[0]).usd)}.**" in PAGE
    said = " ".join(PAGE.split())
    assert "billed from its creation to its deletion, whatever flows" in said


def test_the_unsure_prices_are_named() -> None:
    unsure = PAGE[PAGE.index("## Which prices are unsure") :]
    words = {
        "emr_vcpu_arm": "EMR Serverless on ARM64", "emr_gb_arm": "EMR Serverless on ARM64",
        "s3_put": "S3 PUT", "logs": "logs", "metric": "metrics", "alarm": "alarms",
        "dashboard": "dashboards", "kms": "keys", "public_ipv4": "public addresses",
    }  # fmt: skip
    assert {key for key, one in prices().items() if not one.is_sourced} == words.keys()
    for word in words.values():
        assert word in unsure
    assert prices()["msk_in"].seen.startswith("2022")
