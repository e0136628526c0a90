"""What can go wrong on this machine, each with the exit code a shell sees.

LocalError
├── FindingError             1  something was checked and found wrong
├── UsageError               2  an option or a file does not make sense
├── NotRunningError          3  a part is not running, not reachable, or has died
│   └── PortTakenError       3  a port that was asked for by name is in use
├── MissingPrerequisiteError 4  this machine lacks something that is needed
└── TimedOutError            5  something did not happen in its time
"""

from __future__ import annotations


class LocalError(Exception):
    """One line for the person at the terminal: what was expected, what was found, what to do."""

    exit_code = 1


class FindingError(LocalError):
    exit_code = 1


class UsageError(LocalError):
    exit_code = 2


class NotRunningError(LocalError):
    exit_code = 3


class PortTakenError(NotRunningError):
    pass


class MissingPrerequisiteError(LocalError):
    exit_code = 4


class TimedOutError(LocalError):
    exit_code = 5
