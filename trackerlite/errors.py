"""Every error trackerlite raises, as one tree.

TrackerliteError
├── BadInput            a name, key, value or option that cannot be recorded as given
│   └── Unsupported     something W&B has and trackerlite does not
│       └── NotHere     … and that was asked for as an attribute
├── RunError
│   ├── NoRun           no run is current: init() was not called, or it has finished
│   ├── RunNotFound     no run answers to that reference
│   ├── AmbiguousRun    several do
│   ├── RunExists       resume="never" met a run of that id
│   └── RunInUse        another living process is writing that run
├── StoreError
│   ├── StoreNotFound   no .trackerlite folder there
│   ├── StoreTooNew     written by a newer trackerlite
│   ├── StoreBusy       someone else holds the store's lock
│   └── StoreDamaged    the database cannot be read; the journals still can
├── ArtifactError
│   ├── ArtifactNotFound no artifact, or no version of it, answers to that name
│   └── ArtifactDamaged a stored content is missing, or is not what its name says
├── TransferError
│   ├── NotALog         nothing at that path is a log that we can read
│   ├── BundleError     a bundle that is damaged, unsafe, or contradicts the store
│   └── ExportError     files that could not be written as asked
└── JournalError        a journal could not be opened or written

A leaf's message says what happened, what is safe, and what to do next.
"""

from __future__ import annotations


class TrackerliteError(Exception):
    """The base of every error raised on purpose."""

    def _render_traceback_(self) -> list[str]:
        """What IPython asks an error for, to show it."""
        from trackerlite.capture import shell

        return shell.shown(self)


class BadInput(TrackerliteError, ValueError):
    """A name, key, value or option that cannot be recorded as given."""


class Unsupported(BadInput):
    """Something Weights & Biases offers and trackerlite does not."""


class NotHere(Unsupported, AttributeError):
    """An attribute that is not here. An AttributeError too: `hasattr` and `getattr(…, None)` work."""


class RunError(TrackerliteError):
    """Something is wrong with which run was meant."""


class NoRun(RunError, AttributeError):
    """No run is current. An AttributeError too: `hasattr(trackerlite, "config")` is then False."""


class RunNotFound(RunError, LookupError):
    """No run answers to that reference."""


class AmbiguousRun(RunError, LookupError):
    """Several runs answer to that reference."""


class RunExists(RunError):
    """`resume="never"` met a run that is already there."""


class RunInUse(RunError):
    """Another living process writes that run."""


class StoreError(TrackerliteError):
    """Something is wrong with the store as a whole."""


class StoreNotFound(StoreError, FileNotFoundError):
    """There is no store at that place."""


class StoreTooNew(StoreError):
    """The store was written by a newer trackerlite; it was left unharmed."""


class StoreBusy(StoreError):
    """Someone else held the store's lock for too long."""


class StoreDamaged(StoreError):
    """The database cannot be read; the journals still can."""


class ArtifactError(TrackerliteError):
    """Something is wrong with a stored file or model."""


class ArtifactNotFound(ArtifactError, LookupError):
    """No artifact, or no version of it, answers to that name."""


class ArtifactDamaged(ArtifactError):
    """A stored content is missing, or its bytes are not those of its name."""


class TransferError(TrackerliteError):
    """Something could not come in or go out; the store is as it was."""


class NotALog(TransferError):
    """Nothing at that path is a log that we can read."""


class BundleError(TransferError):
    """A bundle that cannot be taken in, or cannot be made."""


class ExportError(TransferError):
    """Files that could not be written as asked."""


class JournalError(TrackerliteError, OSError):
    """A journal could not be opened or written."""

    def __str__(self) -> str:
        """The sentence alone, without the number that an OSError puts before it."""
        return self.strerror or super().__str__()


class CommError(TrackerliteError):
    """Never raised here: recording talks to nobody. W&B's scripts catch it."""


#: as W&B's scripts catch them
Error, UsageError = TrackerliteError, BadInput
