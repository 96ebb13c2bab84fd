"""What can go wrong with a log; the messages name the log without its password."""

from __future__ import annotations

from data_loaders.errors import UserError


class StoreError(UserError):
    """A log cannot be opened, or does not take the events."""


class StoreUnavailableError(StoreError):
    """The log cannot be reached or written at the moment; nothing that was acknowledged is lost."""


class StoreDamagedError(StoreError):
    """A log, or an entry of it, cannot be read."""


class ForeignStoreError(StoreError):
    """The log holds vectors of another model."""


class PostExistsError(StoreError):
    """A post with this id was observed before; nothing of the batch was appended."""
