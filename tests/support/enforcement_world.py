"""The table and the bucket in memory, a machine without ASL, and the demo account."""

import base64
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from support.audit_trail import problem_of

from functions import close, evaluate, liquidate, names, rung
from functions.adapters.accounts_table import AccountsTable
from functions.adapters.audit_trail import AuditTrail
from functions.case import CaseWork, Request
from functions.deciding import Next
from functions.errors import PublishError
from functions.publisher import Publisher, publish
from functions.router import Router, respond
from functions.stored import Lock
from margin.assessment import Band, assess
from margin.market import Instrument, Kind, Market, Quote
from margin.portfolio import AccountType, Portfolio, Position
from margin.rulebook import REFERENCE
from margin.wire_assessment import AssessmentEvent, encode_assessment, event_from_assessment

TABLE, BUCKET, ACCOUNT = "accounts", "audit", "ACC_DEMO_001"
START_MS = 1_795_615_200_000  # 2026-11-25T14:00:00Z, 09:30 in New York is 14:30
MINUTE_MS = 60_000


@dataclass
class FakeExecutions:
    """Step Functions: which executions were started, which tokens were used."""

    started: list[tuple[str, int]] = field(default_factory=list)
    woken: list[str] = field(default_factory=list)
    statuses: dict[str, str] = field(default_factory=dict)
    fail_next: str | None = None

    def start(self, lock: Lock) -> None:
        if self.fail_next == "start":
            self.fail_next = None
            raise ConnectionError("no answer from Step Functions")
        name = names.execution_name(lock.case_id, lock.attempt)
        if name not in self.statuses:
            self.started.append((lock.case_id, lock.attempt))
            self.statuses[name] = "RUNNING"

    def wake(self, task_token: str) -> None:
        if self.fail_next == "wake":
            self.fail_next = None
            raise ConnectionError("no answer from Step Functions")
        self.woken.append(task_token)

    def status(self, lock: Lock) -> str | None:
        return self.statuses.get(names.execution_name(lock.case_id, lock.attempt))


@dataclass
class FakeTopic:
    """Kafka: what was sent, and a switch that makes the next sends fail."""

    sent: list[tuple[str, str, bytes]] = field(default_factory=list)
    failures: int = 0

    def send(self, *messages: tuple[str, str, bytes]) -> None:
        if self.failures:
            self.failures -= 1
            raise PublishError("Kafka: KafkaTimeoutError")
        self.sent.extend(messages)


@dataclass
class FakeNotifier:
    told: list[dict[str, Any]] = field(default_factory=list)

    def tell(self, _subject: str, notice: dict[str, Any]) -> None:
        self.told.append(notice)


@dataclass
class World:
    """One account under enforcement, with every collaborator within reach."""

    dynamodb: Any
    s3: Any
    now: int = START_MS
    version: int = 0
    cash: Decimal = Decimal("-117000")
    shares: Decimal = Decimal(500)
    price: Decimal | None = Decimal("400")
    beta: Decimal = Decimal("1.8")
    filled: tuple[str, ...] = ()
    stress_mode: str = "ladder"
    previous: Band | None = None
    executions: FakeExecutions = field(default_factory=FakeExecutions)
    topic: FakeTopic = field(default_factory=FakeTopic)
    notifier: FakeNotifier = field(default_factory=FakeNotifier)

    @property
    def table(self) -> AccountsTable:
        return AccountsTable(TABLE, self.dynamodb)

    @property
    def router(self) -> Router:
        return Router(self.table, self.executions, Decimal(1), self.clock)  # type: ignore[arg-type]

    @property
    def publisher(self) -> Publisher:
        trail = AuditTrail(BUCKET, self.s3)
        return Publisher(self.table, trail, self.topic)  # type: ignore[arg-type]

    def clock(self) -> int:
        return self.now

    def work(self, actor: str) -> CaseWork:
        return CaseWork(table=self.table, actor=actor, clock=self.clock)

    def later(self, minutes: float) -> None:
        self.now += int(minutes * MINUTE_MS)

    def event(self) -> AssessmentEvent:
        """What the stream would say of the account now."""
        quotes = {} if self.price is None else {"NVDA": Quote(self.price, self.now)}
        market = Market(
            quotes=quotes,
            betas={"NVDA": self.beta},
            instruments={"NVDA": Instrument(symbol="NVDA", kind=Kind.STOCK)},
        )
        held = Portfolio(
            account_id=ACCOUNT, cash_usd=self.cash, positions=(Position("NVDA", self.shares),)
        )
        return event_from_assessment(
            assess(held, AccountType.MARGIN, market, REFERENCE, self.now),
            held,
            AccountType.MARGIN,
            market,
            stress_mode=self.stress_mode,
            version=self.version,
            as_of_ms=self.now,
            inputs={"prices.v1-0": self.version},
            previous_band=self.previous,
            liquidations_filled=self.filled,
        )

    def assessed(self, price: str | None = "same", **forged: Any) -> bytes:
        """The next record of margin.calc.v1."""
        self.price = self.price if price == "same" else None if price is None else Decimal(price)
        self.version += 1
        event = replace(self.event(), **forged)
        self.previous = event.band
        return encode_assessment(event)

    def route(self, *records: bytes) -> list[int]:
        """Deliver records to the router; the offsets it reports as failed."""
        found = respond(kafka_event(*records), None, self.router)
        return [item["itemIdentifier"]["offset"] for item in found["batchItemFailures"]]

    def feed(self, price: str | None = "same", **forged: Any) -> None:
        """One record through the router, then the machine until it waits or ends."""
        assert self.route(self.assessed(price, **forged)) == []
        self.run()

    def run(self) -> str | None:
        """What enforcement.asl.json does with the open case: evaluate, act, until it waits."""
        lock = self.table.lock(ACCOUNT)
        if lock is None:
            return None
        request = Request(account_id=ACCOUNT, case_id=lock.case_id, attempt=lock.attempt)
        for _ in range(30):
            found = evaluate.evaluate(request, self.work("functions.evaluate"))
            following = found["next"]
            if following in (Next.HALT, Next.DONE):
                return str(following)
            if following != Next.AWAIT:
                self.step(following, request)
            elif self.wait(found):
                return str(following)
        raise AssertionError("the machine never came to rest")

    def step(self, following: str, request: Request) -> dict[str, Any]:
        """One rung of the machine."""
        match following:
            case Next.WARN:
                return rung.act(Next.WARN, request, self.work("functions.warn"))
            case Next.CALL:
                return rung.act(Next.CALL, request, self.work("functions.call"))
            case Next.RESTRICT:
                return rung.act(Next.RESTRICT, request, self.work("functions.restrict"))
            case Next.LIQUIDATE:
                return liquidate.liquidate(request, self.work("functions.liquidate"))
            case Next.CLOSE:
                return close.close(request, self.work("functions.close"))
        raise AssertionError(f"no rung {following}")

    def wait(self, evaluation: dict[str, Any]) -> bool:
        """AwaitChange, with the expressions of enforcement.asl.json; False when it was refused."""
        try:
            self.dynamodb.update_item(
                TableName=TABLE,
                Key={"pk": {"S": evaluation["lock_pk"]}, "sk": {"S": evaluation["account_id"]}},
                UpdateExpression="SET task_token = :token, waits_for = :deadline",
                ConditionExpression="changes = :seen AND case_id = :case",
                ExpressionAttributeValues={
                    ":token": {"S": f"token-{evaluation['changes']}"},
                    ":deadline": {"S": evaluation["deadline"]},
                    ":seen": {"N": evaluation["changes"]},
                    ":case": {"S": evaluation["case_id"]},
                },
            )
        except self.dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def outbox(self) -> list[dict[str, Any]]:
        return [item.body for item in self.table.outbox_of(ACCOUNT)]

    def actions(self) -> list[str]:
        """Every decision of the account so far, from its audit chain, which is whole."""
        records = [body["audit_record"] for body in self.outbox()]
        assert problem_of(records, self.table.head(ACCOUNT), ACCOUNT) is None
        return [str(record["action"]) for record in records]

    def last_message(self) -> dict[str, Any]:
        message = self.outbox()[-1]["message"]
        assert isinstance(message, dict)
        return message

    def publish(self) -> dict[str, Any]:
        """The stream rows of the outbox through the publisher."""
        return publish(stream_event(*self.table.outbox_of(ACCOUNT)), self.publisher)


def kafka_event(*records: bytes) -> dict[str, Any]:
    """An `aws:kafka` event, as an event source mapping of Amazon MSK delivers it."""
    rows = [
        {
            "topic": "margin.calc.v1",
            "partition": 0,
            "offset": offset,
            "timestamp": START_MS,
            "timestampType": "CREATE_TIME",
            "key": base64.b64encode(ACCOUNT.encode()).decode(),
            "value": base64.b64encode(record).decode(),
            "headers": [],
        }
        for offset, record in enumerate(records)
    ]
    return {
        "eventSource": "aws:kafka",
        "eventSourceArn": "arn:aws:kafka:us-east-1:123456789012:cluster/mw/abc-1",
        "bootstrapServers": "b-1:9098",
        "records": {"margin.calc.v1-0": rows},
    }


def stream_event(*items: Any) -> dict[str, Any]:
    """The rows that the table's stream shows for new outbox items."""
    return {
        "Records": [
            {
                "eventID": str(number),
                "eventName": "INSERT",
                "eventSource": "aws:dynamodb",
                "dynamodb": {
                    "Keys": {
                        "pk": {"S": names.outbox_key(names.shard_of(item.account_id))},
                        "sk": {"S": names.outbox_sort_key(item.account_id, item.sequence)},
                    },
                    "SequenceNumber": str(1000 + number),
                },
            }
            for number, item in enumerate(items)
        ]
    }
