"""What can go wrong in the functions, under the root of the rules.

MarginError
├── SettingsError          the environment is not usable (settings.py)
├── PublishError           something decided could not be told yet; it stays in the outbox
│   └── AuditConflictError   another record is stored under its key
├── ContentionError        an account changed under our hands each time we tried
├── JobError               the streaming job cannot be started or stopped as asked
├── TeardownError          something of a student's stacks cannot be removed
└── TopicError             the cluster's topics cannot be made as the catalogue says
"""

from margin.errors import MarginError


class PublishError(MarginError):
    """Something decided could not be told yet; it stays in the outbox and is tried again."""


class AuditConflictError(PublishError):
    """The audit trail holds another record under this key; a person has to look."""


class ContentionError(MarginError):
    """An account changed under our hands each time we tried; the record is delivered again."""


class JobError(MarginError):
    """The streaming job cannot be started or stopped as asked; nothing was changed."""


class TeardownError(MarginError):
    """Something of a student's stacks cannot be removed; the teardown goes on and says so."""


class TopicError(MarginError):
    """The topics of a cluster cannot be made as the catalogue says; the deploy fails with it."""
