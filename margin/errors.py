"""What can go wrong in the rules: one tree of errors.

MarginError
├── EventError       one event cannot be read; carries the reason for the dead-letter topic
├── PortfolioError   a fill or a cash movement does not fit the portfolio it is applied to
├── RulebookError    a rate, threshold or policy that no rule can work with
└── LadderError      a stored ladder state cannot be read back
"""


class MarginError(Exception):
    """Root of every error that margin/ raises."""


class EventError(MarginError):
    """An event that cannot be used, with the reason in plain words.

    >>> EventError("price for NVDA must be > 0, was -3").reason
    'price for NVDA must be > 0, was -3'
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class PortfolioError(MarginError):
    """A fill, a cash movement or a price that does not fit the portfolio."""


class RulebookError(MarginError):
    """A rate, threshold or policy that no rule can work with."""


class LadderError(MarginError):
    """A stored ladder state that cannot be read back."""
