"""An account with options under enforcement: stored, calculated again, closed in contracts."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import pytest
from support.enforcement_world import ACCOUNT, World

from functions.adapters.items import read_state, state_item
from margin.assessment import assess
from margin.market import Instrument, Kind, Market, OptionTerms, Quote, Right
from margin.option_book import in_the_money
from margin.portfolio import AccountType, Fill, Portfolio, Position, apply_fill
from margin.rulebook import REFERENCE
from margin.tims import tims_moves
from margin.wire_assessment import (
    AssessmentEvent,
    encode_assessment,
    event_from_assessment,
    parse_assessment,
)

PUT = "XYZ-P95-20270115"
STOCK = Instrument(symbol="XYZ", kind=Kind.STOCK)
TERMS = OptionTerms(
    underlying="XYZ", right=Right.PUT, strike_usd=Decimal(95), expires_on=date(2027, 1, 15)
)

SHORT_PUTS = Portfolio(
    account_id=ACCOUNT, cash_usd=Decimal(40_000), positions=(Position(PUT, Decimal(-20)),)
)


def worth(spot: Decimal) -> Decimal:
    """What exercise brings, and a dollar."""
    return in_the_money(TERMS.right, TERMS.strike_usd, spot) + 1


@dataclass
class OptionWorld(World):
    """Twenty short puts on a stock that is not held; `price` is that of the stock."""

    held: Portfolio = SHORT_PUTS
    account_type: AccountType = AccountType.MARGIN

    def event(self) -> AssessmentEvent:
        spot = self.price
        assert spot is not None
        market = Market(
            quotes={"XYZ": Quote(spot, self.now), PUT: Quote(worth(spot), self.now)},
            betas={"XYZ": Decimal("1.5")},
            instruments={
                "XYZ": STOCK,
                PUT: Instrument(symbol=PUT, kind=Kind.OPTION, option=TERMS),
            },
            theoretical_usd={
                PUT: tuple(worth(spot * (1 + move)) for move in tims_moves(STOCK, REFERENCE))
            },
        )
        return event_from_assessment(
            assess(self.held, self.account_type, market, REFERENCE, self.now),
            self.held,
            self.account_type,
            market,
            stress_mode=self.stress_mode,
            version=self.version,
            as_of_ms=self.now,
            inputs={"prices.v1-0": self.version},
            previous_band=self.previous,
            liquidations_filled=self.filled,
        )


@pytest.fixture
def options(world: World) -> OptionWorld:
    return OptionWorld(world.dynamodb, world.s3)


def test_an_assessment_with_options_is_stored_and_read_back_equal(options: OptionWorld) -> None:
    raw = options.assessed("90")
    event = parse_assessment(raw)
    assert read_state(state_item(event, raw, options.now)).event == event
    assert options.route(raw) == []
    stored = options.table.state(ACCOUNT)
    assert stored is not None
    assert (stored.event, encode_assessment(stored.event)) == (event, raw)
    assert stored.event.underlyings[0].price_usd == 90


@pytest.mark.parametrize("account_type", [AccountType.MARGIN, AccountType.PORTFOLIO_MARGIN])
def test_an_account_with_options_is_called_and_closed_in_contracts(
    options: OptionWorld, account_type: AccountType
) -> None:
    options.account_type = account_type
    options.feed("100")
    options.feed("80")
    options.later(31)
    options.run()
    options.later(1)
    options.run()
    assert "CASE_HALTED" not in options.actions()
    assert options.actions()[-1] == "LIQUIDATION_TRIGGERED"
    order = options.last_message()["order"]
    # In the money by 15, so worth 16 a share; short puts are bought back.
    assert (order["symbol"], order["price"], order["multiplier"]) == (PUT, "16", "100")
    assert 0 < int(order["quantity"]) <= 20
    evidence = options.outbox()[-1]["audit_record"]["evidence"]
    assert [known["symbol"] for known in evidence["underlyings"]] == ["XYZ"]

    bought = Fill(
        fill_id="f",
        account_id=ACCOUNT,
        symbol=PUT,
        quantity_shares=Decimal(order["quantity"]),
        price_usd=Decimal(order["price"]),
        multiplier=Decimal(order["multiplier"]),
    )
    options.held = apply_fill(options.held, bought)
    options.filled = (order["liquidation_id"],)
    options.later(1)
    options.feed()
    assert options.event().figures_usd["excess"] == Decimal(order["excess_after"])
    assert options.actions()[-2:] == ["MARGIN_CALL_SATISFIED", "CASE_CLOSED"]


def test_a_changed_point_of_a_series_halts_the_case(options: OptionWorld) -> None:
    options.account_type = AccountType.PORTFOLIO_MARGIN
    options.price = Decimal(80)
    (put,) = options.event().positions
    assert put.theoretical_usd is not None
    cheaper = (put.theoretical_usd[0] - 1, *put.theoretical_usd[1:])
    options.feed("80", positions=(replace(put, theoretical_usd=cheaper),))
    record = options.outbox()[-1]["audit_record"]
    assert options.actions() == ["CASE_HALTED"]
    assert record["decision"]["differences"][0].startswith("portfolio_margin: streamed ")
