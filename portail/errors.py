"""Errors that a reader of the portal's data can meet, in both languages."""

import requests

from commons.errors import BilingualError


class UnknownDataset(BilingualError, LookupError):
    """Raised when no folder holds a dataset of the name asked for."""


class BrokenDataset(BilingualError):
    """Raised when a dataset's description or rows on this machine cannot be read or do not
    agree."""


class PortalProblem(BilingualError, requests.RequestException):
    """Raised in live mode when the portal cannot be reached, refuses, or answers with something
    else than data.

    It is also a ``requests.RequestException``, so that ordinary code around ``requests`` catches
    it.

    Args:
        fault: the kind of problem as the table of faults names it, such as ``"hang"`` or
            ``"html"``.
        english: what happened, and what to do next.
        french: the same in French.
    """

    def __init__(self, fault: str, english: str, french: str):
        super().__init__(english, french)
        self.fault = fault
