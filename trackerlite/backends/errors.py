"""What can go wrong between here and a remote, in plain words.

RemoteError                 the base; nothing local is ever affected
├── NotLoggedIn      401    no key, or one the server does not know
├── Forbidden        403    the key may not write there, or there is no such project
├── NotThere         404    no such entity, project or run
├── DeletedRemotely  409    the run was deleted at the remote; its id cannot be used again
├── TooLarge         413    one request was larger than the server takes
├── RateLimited      429    too many requests; `.wait` says for how long
├── ServerTrouble    5xx    the server failed
├── Unreachable             no network, no such host, refused, timed out, proxy or certificate
└── Refused                 any other answer that is not a yes
"""

from __future__ import annotations

from trackerlite.errors import TrackerliteError
from trackerlite.text import plain

SAFE = "Everything recorded is safe here."


class RemoteError(TrackerliteError):
    """Something went wrong at a remote. `status` is the HTTP status, 0 without one."""

    status = 0
    passing = False  # worth another try by itself


class NotLoggedIn(RemoteError):
    """No key, or one the server does not know."""

    status = 401


class Forbidden(RemoteError):
    """The key may not do that there."""

    status = 403


class NotThere(RemoteError):
    """No such entity, project or run."""

    status = 404


class DeletedRemotely(RemoteError):
    """The run was deleted at the remote."""

    status = 409


class TooLarge(RemoteError):
    """A request larger than the server takes."""

    status = 413


class RateLimited(RemoteError):
    """Too many requests. `wait` is in seconds."""

    status = 429
    passing = True

    def __init__(self, message: str, wait: float) -> None:
        super().__init__(message)
        self.wait = wait


class ServerTrouble(RemoteError):
    """The server failed."""

    status = 500
    passing = True


class Unreachable(RemoteError):
    """The server could not be spoken to at all."""

    passing = True


class Refused(RemoteError):
    """Any other answer that is not a yes."""

    status = 400


def for_status(status: int, host: str, said: str = "", wait: float = 0.0) -> RemoteError:
    """The error for an HTTP status; `said` is the server's own message.

    >>> str(for_status(429, "api.wandb.ai", wait=30))[:59]
    'api.wandb.ai asks to slow down (429): try again in 30 s. Ev'
    """
    heard = f" It says: {plain(said, 200)!r}." if said.strip() else ""
    if status == 401:
        return NotLoggedIn(
            f"{host} does not accept the API key (401).{heard} {SAFE} "
            "Run `trackerlite login` with a key from the server's settings page."
        )
    if status == 403:
        return Forbidden(
            f"{host} refused this (403): the key has no right to write there, or the project does not "
            f"exist.{heard} {SAFE} Check --entity and --project, or log in with another key."
        )
    if status == 404:
        return NotThere(
            f"{host} does not know that entity, project or run (404).{heard} {SAFE} "
            "Check --entity and --project."
        )
    if status == 409:
        return DeletedRemotely(
            f"{host} says that this run was deleted there, and a deleted run's id cannot be used "
            f"again (409).{heard} {SAFE} `trackerlite sync --new-run RUN` uploads it whole under a new id."
        )
    if status == 413:
        return TooLarge(
            f"{host} says that a request was too large (413).{heard} {SAFE} "
            "Usually one logged value is several megabytes: log it as an artifact or a table instead."
        )
    if status == 429:
        return RateLimited(
            f"{host} asks to slow down (429): try again in {wait:.0f} s. {SAFE} "
            "Live sync waits by itself.",
            wait,
        )
    if status >= 500:
        return ServerTrouble(
            f"{host} has trouble of its own ({status}).{heard} {SAFE} Try `trackerlite sync` again later."
        )
    return Refused(
        f"{host} refused the request ({status}).{heard} {SAFE} "
        "Try again, and with a newer `wandb` package if it stays so."
    )


def unreachable(host: str, error: BaseException) -> Unreachable:
    """The error for a connection that failed, by what lies behind it."""
    text = plain(str(error), 200)
    lowered = f"{type(error).__name__} {text}".lower()
    if "certificate" in lowered or "ssl" in lowered:
        hint = (
            "its certificate could not be verified. Behind a company proxy, set SSL_CERT_FILE "
            "to the company's certificate bundle"
        )
    elif "proxy" in lowered or "tunnel" in lowered:
        hint = "the proxy in HTTPS_PROXY did not let the connection through"
    elif "name or service" in lowered or "gaierror" in lowered or "resolution" in lowered:
        hint = "its name could not be looked up, so this machine is probably offline"
    elif "timed out" in lowered or "timeout" in lowered:
        hint = "it did not answer in time"
    elif "refused" in lowered:
        hint = "nothing listens there. Check WANDB_BASE_URL"
    else:
        hint = "the connection broke"
    return Unreachable(
        f"{host} cannot be reached: {hint} ({text}). {SAFE} Run the same command again."
    )
