"""Everything that can go wrong, as the product sees it.

RecadoError
├── SettingsError            a setting is missing or wrong; the text names it and the way out
├── StoreUnavailable         Redis does not answer
├── ApiError                 a platform did not do what this installation asked for itself
├── ReceiveError             an incoming request
│   ├── Forged               it is not from the platform: refused, its body never parsed
│   └── Unreadable           it is from the platform, and we cannot read it: kept in quarantine
├── BackendError             the model
│   ├── Unavailable          not now: the turn waits and is thought again
│   │   └── Unfetched        a file of the person's cannot be had now; no model server is to blame
│   └── Rejected             never: the person gets an apology, the operator the reason
└── DeliveryError            a bubble on its way to a platform
    ├── RateLimited          not taken; to be sent again after exactly `retry_after` seconds
    ├── Undelivered          not taken (the platform was not reached, or said so); to be sent again
    ├── Halted               not taken: the platform takes nothing from this account until an operator mends it
    ├── Unknown              perhaps taken: the answer was lost on the way
    ├── Gone                 the bubble to be edited is no longer there; to be sent anew
    ├── Parked               not before the person has written again
    ├── Refused              the platform will never take this bubble, or give this file
    │   └── TooLarge         the file has more bytes than are wanted
    └── Blocked              the person has closed this chat to us

Foreign errors are translated where the foreign library is called, and nowhere else.
"""

from __future__ import annotations


class RecadoError(Exception):
    """The root of all errors that the product raises on purpose."""


class SettingsError(RecadoError):
    """Raised when a setting is missing or wrong. The text is shown to the operator as it is."""


class StoreUnavailable(RecadoError):
    """Raised when Redis did not answer in time, or answered that it cannot write now."""


class ApiError(RecadoError):
    """Raised when a platform refuses such a call, with its ``code`` and ``description``, or was not reached (code 0).

    ``retry_after`` is the pause in seconds that it asks for, 0 for none. The text says what to do.
    """

    def __init__(self, words: str, code: int = 0, description: str = "", retry_after: float = 0) -> None:
        super().__init__(words)
        self.code, self.description, self.retry_after = code, description, retry_after


class ReceiveError(RecadoError):
    """An incoming request cannot be turned into messages."""


class Forged(ReceiveError):
    """Raised when a request does not prove that it comes from the platform."""


class Unreadable(ReceiveError):
    """Raised when an authentic body is not what the platform documents."""


class BackendError(RecadoError):
    """The model gave no answer."""


class Unavailable(BackendError):
    """Raised when the model cannot answer now. ``retry_after`` is its own wish in seconds, or None."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Unfetched(Unavailable):
    """Raised when a file of the person's cannot be fetched or heard now. ``lasting``: nor anything said, until an
    operator has mended something; however long that takes, the file is waited for."""

    lasting: bool = False


class Rejected(BackendError):
    """Raised when the model will never answer this request; asking again would change nothing."""


class DeliveryError(RecadoError):
    """A bubble was not, or perhaps not, delivered.

    ``code`` is the platform's own number for the reason (0: it has none), ``tries`` how often a bubble is worth such
    trouble before it is given up (0: for ever), ``alarming``: the owner should be told.
    """

    code: int = 0
    tries: int = 0
    alarming: bool = False


class RateLimited(DeliveryError):
    """Raised when the platform wants a pause of ``retry_after`` seconds before this chat's next call, or
    before the next one to anybody (``everybody``). ``growing``: it wants a longer one each time, without a word."""

    def __init__(self, reason: str, retry_after: float, *, everybody: bool = False, growing: bool = False) -> None:
        super().__init__(reason)
        self.retry_after, self.everybody, self.growing = retry_after, everybody, growing


class Undelivered(DeliveryError):
    """Raised when the bubble certainly was not taken and may be sent again."""


class Halted(DeliveryError):
    """Raised when the platform takes nothing more from this account, whoever it is for, until an operator has mended
    something: a token that expired, a blocked or unregistered number. The text says what to do."""


class Unknown(DeliveryError):
    """Raised when the bubble may or may not have been taken."""


class Gone(DeliveryError):
    """Raised when the bubble to be edited is no longer there, because the person has deleted it."""


class Parked(DeliveryError):
    """Raised when the platform takes nothing more for this person until they have written again."""


class Refused(DeliveryError):
    """Raised when the platform will never take this bubble, whatever its form, or never give this file."""


class TooLarge(Refused):
    """Raised when a file has more bytes than are wanted, or than the platform gives."""


class Blocked(DeliveryError):
    """Raised when this person's chat no longer takes anything from us."""
