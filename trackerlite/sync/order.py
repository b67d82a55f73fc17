"""In which order runs go: who made an artifact before who used it."""

from __future__ import annotations

from collections.abc import Sequence

from trackerlite.readers import Reader
from trackerlite.readers.info import ArtifactInfo, RunInfo


def generations(reader: Reader, runs: Sequence[RunInfo]) -> list[list[RunInfo]]:
    """The runs in groups: each uses only artifacts made in groups before it (or elsewhere)."""
    chosen = {run.key: run for run in runs}
    made: dict[tuple[str, str | None], int] = {}
    used: dict[int, list[tuple[str, str | None]]] = {}
    for info in reader.artifacts():
        run = chosen.get(info.run_key)
        if run is None:
            continue
        version = _version(info, run)
        if info.use == "input":
            used.setdefault(run.key, []).append(version)
        else:
            made.setdefault(version, run.key)
    level = dict.fromkeys(chosen, 0)
    for _ in range(len(used)):  # as long as the longest chain; a circle ends here too
        changed = False
        for key, versions in used.items():
            before = [level[made[v]] for v in versions if v in made and made[v] != key]
            wanted = 1 + max(before, default=-1)
            if wanted > level[key] and wanted <= len(used):
                level[key], changed = wanted, True
        if not changed:
            break
    groups: dict[int, list[RunInfo]] = {}
    for run in runs:
        groups.setdefault(level[run.key], []).append(run)
    return [groups[number] for number in sorted(groups)]


def _version(info: ArtifactInfo, run: RunInfo) -> tuple[str, str | None]:
    return f"{info.body.get('project') or run.project}/{info.name}", info.version
