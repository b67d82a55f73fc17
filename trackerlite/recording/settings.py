"""What a run was asked to be: arguments of `init`, then the environment, then defaults."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from trackerlite import paths, values
from trackerlite.capture.redact import redact_name
from trackerlite.errors import BadInput

MODES = ("offline", "online", "disabled")
RESUMES = ("never", "allow", "must", "auto")
RANKS = ("zero", "all")
NOTES_LIMIT = 1_000_000
_FIRST = (
    "amber",
    "brisk",
    "calm",
    "dusky",
    "eager",
    "faint",
    "gentle",
    "hazy",
    "idle",
    "jolly",
    "keen",
    "lucid",
    "mellow",
    "noble",
    "olive",
    "pale",
    "quiet",
    "rapid",
)
_SECOND = (
    "acorn",
    "brook",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "heron",
    "iris",
    "junco",
    "knoll",
    "larch",
    "maple",
    "newt",
    "otter",
    "pine",
    "quail",
    "river",
)
_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


class Settings:
    """A run's identity and rules, as `resolve` found them.

    No dataclass: importing those takes a quarter of the time that `init` has.

    Attributes:
        store: the `.trackerlite` folder.
        config: nested, of JSON values.
        rewind: the step to go back to when resuming, or None.
        given_id: whether the id was chosen by the user (or a launcher), not by us.
        ranks: which processes of a launch record: "zero" or "all".
        rank, world_size: this process's place; 0 of 1 where nobody launched several.
    """

    store: Path
    project: str
    id: str
    name: str
    mode: str
    resume: str | None
    given_id: bool
    rewind: int | None = None
    group: str | None = None
    job_type: str | None = None
    notes: str | None = None
    tags: tuple[str, ...] = ()
    config: dict[str, Any]
    durable: bool = False
    strict: bool = False
    silent: bool = False
    named: bool = False
    ranks: str = "zero"
    rank: int = 0
    world_size: int = 1

    def __init__(self, **found: Any) -> None:
        self.__dict__.update(found)

    @property
    def lane(self) -> str:
        """The folder of this process's journal inside the run's: ranks write apart."""
        return f"rank-{self.rank}" if self.rank else ""


def environment(name: str) -> str | None:
    """`TRACKERLITE_<name>`, else `WANDB_<name>`, else None; empty counts as unset."""
    for prefix in ("TRACKERLITE_", "WANDB_"):
        value = os.environ.get(prefix + name, "").strip()
        if value:
            return value
    return None


def resolve(
    *,
    project: str | None = None,
    name: str | None = None,
    config: Any = None,
    tags: Any = None,
    notes: str | None = None,
    group: str | None = None,
    job_type: str | None = None,
    id: str | None = None,
    resume: str | bool | None = None,
    resume_from: str | None = None,
    dir: str | os.PathLike[str] | None = None,
    mode: str | None = None,
    durable: bool = False,
    strict: bool = False,
    ranks: str | None = None,
) -> Settings:
    """The settings of a run to begin.

    Raises:
        BadInput: an argument cannot be used; the message names it.
    """
    rewind = None
    if resume_from is not None:
        meant, rewind = _parse_resume_from(resume_from)
        if id not in (None, meant):
            raise BadInput(
                f"id={values.brief(id)} and resume_from={values.brief(resume_from)} name different runs; leave out one."
            )
        id, resume = meant, "must"  # noqa: A001
    given = id or environment("RUN_ID")
    run_id = paths.check_id(check_name("id", given)) if given else new_id()
    label = name or environment("NAME")
    tag_text = environment("TAGS")
    if tags is None and tag_text:
        tags = [t.strip() for t in tag_text.split(",")]
    return Settings(
        store=paths.store_dir(dir),
        project=check_name("project", project or environment("PROJECT") or "default"),
        id=run_id,
        name=check_name("name", label) if label else name_for(run_id),
        named=bool(label),
        mode=_mode(mode or environment("MODE")),
        resume=_resume(resume if resume is not None else environment("RESUME")),
        given_id=bool(given),
        rewind=rewind,
        group=check_name("group", group or environment("RUN_GROUP") or "") or None,
        job_type=check_name("job_type", job_type or environment("JOB_TYPE") or "") or None,
        notes=check_text("notes", notes or environment("NOTES") or "", NOTES_LIMIT) or None,
        tags=parse_tags(tags),
        config=values.jsonable(dict(values.named_items(config))) if config is not None else {},
        durable=durable,
        strict=strict,
        ranks=_ranks(ranks or environment("RANKS")),
        silent=(environment("SILENT") or "").lower() in ("1", "true", "yes", "on"),
    )


def _ranks(text: str | None) -> str:
    if text not in (None, *RANKS):
        raise BadInput(
            f"ranks={values.brief(text)} has to be 'zero' (only rank 0 records) or 'all'."
        )
    return text or "zero"


def new_id(length: int = 8) -> str:
    """So many random letters and digits.

    >>> len(new_id())
    8
    """
    return "".join(_ALPHABET[byte % 36] for byte in os.urandom(length))


def name_for(run_id: str) -> str:
    """A name that a person can say, the same for the same id.

    >>> name_for("ab12cd34") == name_for("ab12cd34")
    True
    """
    number = zlib.crc32(run_id.encode())
    first, second = number % len(_FIRST), number // 32 % len(_SECOND)
    return f"{_FIRST[first]}-{_SECOND[second]}-{number // 1024 % 100}"


def parse_tags(tags: Any) -> tuple[str, ...]:
    """Tags as a tuple of distinct texts; one string is one tag."""
    if tags is None:
        return ()
    if isinstance(tags, str):
        tags = [tags]
    if not isinstance(tags, Iterable):
        raise BadInput(f"tags={values.brief(tags)} has to be a list of texts.")
    return tuple(dict.fromkeys(check_name("tag", str(tag)) for tag in tags if str(tag)))


def _parse_resume_from(text: str) -> tuple[str, int | None]:
    run_id, _, rest = str(text).partition("?")
    if run_id and not rest:
        return run_id, None
    label, _, step = rest.partition("=")
    if not run_id or label != "_step" or re.fullmatch(r"-?[0-9]{1,18}", step) is None:
        raise BadInput(
            f"resume_from={values.brief(text)} cannot be read: write '<run id>?_step=<number>', for example 'ab12cd34?_step=500'."
        )
    return run_id, int(step)


def _mode(mode: str | None) -> str:
    wanted = str(mode or "offline").lower()
    wanted = {"dryrun": "offline", "run": "online", "shared": "online"}.get(wanted, wanted)
    if wanted not in MODES:
        raise BadInput(f"mode={values.brief(mode)} is not known; use one of {', '.join(MODES)}.")
    return wanted


def _resume(resume: str | bool | None) -> str | None:
    wanted = str(resume or "").lower()  # True and False also as the environment spells them
    if wanted in ("", "false", "0"):
        return None
    wanted = "auto" if wanted in ("true", "1") else wanted
    if wanted not in RESUMES:
        raise BadInput(
            f"resume={values.brief(resume)} is not known; use one of {', '.join(RESUMES)}."
        )
    return wanted


def check_text(what: str, text: object, limit: int = 4096) -> str:
    """`text`, if it is one and no longer than `limit`.

    Raises:
        BadInput: it is not.
    """
    if not isinstance(text, str):
        raise BadInput(f"{what}={values.brief(text)} ({type(text).__name__}) has to be a string.")
    if len(text) > limit:
        raise BadInput(f"The {what}: {len(text):,} characters, where {limit:,} is the most.")
    return values.encodable(text)


def check_name(what: str, text: object) -> str:
    """`text` if a run can be called so, without secrets.

    Raises:
        BadInput: it is no text, or too long.
    """
    return redact_name(check_text(what, text))
