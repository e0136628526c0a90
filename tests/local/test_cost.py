"""The estimate is a sheet worked by hand, and the table says where each price is from."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from support.command import run

from local.cost.estimate import SCENARIOS, usd
from local.cost.meter import HOUR_S, Measured, bill
from local.cost.model import Shape, busy_hour, by_part
from local.cost.prices import price, prices
from local.errors import UsageError

ON_DEMAND, PROVISIONED = Shape(), Shape(esm_mode="provisioned")
KINESIS = Shape(transport="kinesis")
# Each number below was worked by hand from the price list and is here as it was written down.
TRAFFIC = sum(
    map(
        Decimal,
        (
            "0.00072",  # 3,600 requests x 0.20 / 1,000,000
            "0.00240001200",  # 3,600 x 0.2 s x 0.25 GB = 180 GB-s x 0.0000133334
            "0.00625",  # 10,000 writes x 0.625 / 1,000,000
            "0.00125",  # 10,000 reads x 0.125 / 1,000,000
            "0.010",  # 2,000 PUTs x 0.005 / 1,000
            "0.060",  # 100 ladders of 24 transitions x 0.025 / 1,000
            "0.025",  # 0.05 GB of logs x 0.50
        ),
    )
)
WATCHING_MONTH = Decimal("5.40")  # 15 alarms x 0.10 + a dashboard 3 + 3 metrics x 0.30
JOB = Decimal("0.121212")  # 2 x 0.042094 + 8 x 0.004628
CLUSTER = Decimal("0.7905")  # 0.75 + 27 partitions x 0.0015
VOLUME = Decimal("0.03")  # 0.1 GB x 0.10 + 0.4 GB x 0.05
ENDPOINTS, POLLER = Decimal("0.04"), Decimal("0.185")
HOUR = CLUSTER + VOLUME + JOB + TRAFFIC + WATCHING_MONTH / 730


def amount(scenario: str, shape: Shape = ON_DEMAND) -> Decimal:
    return SCENARIOS[scenario](shape).usd


def close(left: Decimal, right: Decimal) -> bool:
    """The same but for the 28th digit, where a division by 730 ends."""
    return abs(left - right) < Decimal("1e-20")


def test_an_hour_is_the_sheet() -> None:
    assert close(amount("demo"), HOUR + ENDPOINTS)
    assert close(amount("demo", PROVISIONED), HOUR + POLLER)
    assert usd(amount("demo")) == "$1.09"
    assert usd(amount("demo", PROVISIONED)) == "$1.24"


def test_a_class_is_twenty_stack_sets_for_eight_hours() -> None:
    assert close(amount("class"), 160 * (HOUR + ENDPOINTS))
    low, high = SCENARIOS["class"](ON_DEMAND), SCENARIOS["class"](PROVISIONED)
    assert (usd(low.usd), usd(high.usd)) == ("$175", "$198")
    assert round(low.factors[1]) == 18
    assert round(high.factors[0]) == 28


def test_an_idle_month_costs_more_than_five_hundred_dollars_and_says_why() -> None:
    assert close(amount("idle"), 730 * (CLUSTER + ENDPOINTS) + WATCHING_MONTH)
    assert usd(amount("idle")) == "$612"
    assert usd(amount("idle", PROVISIONED)) == "$718"
    assert amount("idle") > 500
    assert "billed from its creation to its deletion" in SCENARIOS["idle"](ON_DEMAND).note


def test_a_month_around_the_clock_adds_the_job() -> None:
    assert close(amount("always"), 730 * (CLUSTER + ENDPOINTS + JOB) + WATCHING_MONTH)
    assert usd(amount("always")) == "$700"


def test_kinesis_has_a_shard_for_each_partition_and_one_endpoint() -> None:
    # 27 shards x 0.015 + 0.1 million units x 0.014, and 2 zones x 0.01
    parts = by_part(busy_hour(KINESIS))
    assert (parts["transport"], parts["network"]) == (Decimal("0.4064"), Decimal("0.02"))
    assert "MSK" not in SCENARIOS["idle"](KINESIS).note


def test_every_price_has_a_unit_and_a_dated_source_or_none_at_all() -> None:
    assert {p.per for p in prices().values()} <= {
        *("hour", "GB-hour", "GB", "GB-second", "thousand", "million", "month")
    }
    for one in prices().values():
        assert bool(one.seen) == one.is_sourced, one.key


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('per = "hour"', 'per = "fortnight"', "a unit of hour"),
        ('usd = "0.75"', 'usd = "-1"', "a price above 0"),
        ('seen = "2026-09-28"', 'seen = ""', "with date and source"),
        ('label = "MSK', 'name = "MSK', "expected label"),
    ],
)
def test_a_bad_entry_of_the_table_is_named(tmp_path: Path, old: str, new: str, told: str) -> None:
    file = tmp_path / "prices.toml"
    good = (
        '[msk_cluster]\nlabel = "MSK"\nusd = "0.75"\nper = "hour"\nseen = "2026-09-28"\n'
        'source = "tables"\n'
    )
    file.write_text(good.replace(old, new))
    with pytest.raises(UsageError, match=told) as error:
        prices(file)
    assert str(error.value).startswith("msk_cluster: ")


def test_what_is_billed_by_use_has_no_price_an_hour() -> None:
    assert price("kms").usd_an_hour == Decimal(1) / 730
    with pytest.raises(UsageError, match="billed by the million"):
        _ = price("lambda_request").usd_an_hour
    with pytest.raises(UsageError, match=r"a price of prices\.toml expected, found 'gold'"):
        price("gold")


def test_a_measured_run_is_priced_by_hand_too() -> None:
    measured = Measured(
        transport="kafka",
        seconds=HOUR_S,
        bytes_in=2 * 10**9,
        bytes_out=10**9,
        transitions=40,
        invocations=1000,
        billed_ms=100_000,
        log_bytes=10**8,
        audit_objects=100,
        checkpoint_files=900,
    )
    by_hand = sum(
        map(
            Decimal,
            (
                "0.2",  # 2 GB in x 0.10
                "0.05",  # 1 GB out x 0.05
                "0.001",  # 40 transitions
                "0.0002",  # 1,000 requests
                "0.000333335",  # 100 s x 0.25 GB
                "0.05",  # 0.1 GB of logs
                "0.006",  # 8,000 writes x 0.625 and 8,000 reads x 0.125 a million
                "0.005",  # 1,000 PUTs
            ),
        )
    )
    billed = bill(measured)
    assert billed.usd_by_use == by_hand
    assert close(billed.usd_by_time, CLUSTER + ENDPOINTS + JOB + WATCHING_MONTH / 730)


def test_the_command_says_what_a_forgotten_stack_costs(tmp_path: Path) -> None:
    done = run(tmp_path, "cost", "estimate", "idle")
    assert done.returncode == 0, done.stderr
    assert "$612  idle" in done.stdout
    assert "the reference design says $0.00" in done.stdout
    assert "MSK Serverless is billed from its creation to its deletion" in done.stdout
    assert "no source was found for: " in done.stderr


def test_the_command_prints_exact_figures_as_json(tmp_path: Path) -> None:
    done = run(tmp_path, "cost", "estimate", "--esm-mode", "provisioned", "--json")
    found = json.loads(done.stdout)
    assert [s["name"] for s in found["scenarios"]] == ["demo", "class", "idle", "always"]
    for scenario in found["scenarios"]:
        assert Decimal(scenario["usd"]) == amount(scenario["name"], PROVISIONED)
    assert "EMR Serverless vCPU, ARM64" in found["unsourced"]


def test_without_a_running_system_there_is_nothing_to_meter(tmp_path: Path) -> None:
    done = run(tmp_path, "cost", "meter")
    assert done.returncode == 3
    assert "expected a running system" in done.stderr
