"""A budget with an alarm: the guard for what a teardown did not take.

AWS looks at budgets some times a day, so it is the second line and the timer the first. It is free
and counts what carries the student's tag, once the tag is switched on for cost allocation.
"""

from aws_cdk import aws_budgets as budgets
from constructs import Construct

from stacks.settings import Settings

# Percent of the limit: spent so far, and as it will be by the end of the month at this rate.
SPENT, FORECAST = 80, 100
TAG = "user:Student$"


class Budget(Construct):
    """A monthly limit in USD for one student; `email` is told at 80 % of it and by forecast."""

    def __init__(
        self, scope: Construct, name: str, settings: Settings, *, limit_usd: int, email: str
    ) -> None:
        super().__init__(scope, name)
        if limit_usd <= 0 or "@" not in email:
            raise ValueError(
                "a limit above 0 USD and an e-mail address expected, "
                f"found {limit_usd} and {email!r}"
            )
        kind = budgets.CfnBudget
        self.budget = kind(
            self,
            "Monthly",
            budget=kind.BudgetDataProperty(
                budget_name=f"{settings.prefix}-monthly",
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=kind.SpendProperty(amount=limit_usd, unit="USD"),
                cost_filters={"TagKeyValue": [f"{TAG}{settings.student}"]},
            ),
            notifications_with_subscribers=[
                kind.NotificationWithSubscribersProperty(
                    notification=kind.NotificationProperty(
                        notification_type=when,
                        comparison_operator="GREATER_THAN",
                        threshold=percent,
                        threshold_type="PERCENTAGE",
                    ),
                    subscribers=[kind.SubscriberProperty(subscription_type="EMAIL", address=email)],
                )
                for when, percent in (("ACTUAL", SPENT), ("FORECASTED", FORECAST))
            ],
        )
