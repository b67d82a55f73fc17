"""The filter language on one page, with examples that the tests run."""

from __future__ import annotations

from trackerlite.readers.filters.fields import AGGREGATES, FIELDS

INTRODUCTION = """\
A filter says which runs are meant. It is the same in `trackerlite ls "…"`, in
`--filter`, in Python (`Api().runs(filter="…")`) and in the terminal UI (`f`).
Conditions side by side must all hold.
"""

#: Sections of examples: a filter, and what it means.
EXAMPLES: dict[str, list[tuple[str, str]]] = {
    "Words": [
        ("lora", "in name, id, project, group, job type, notes or tags; any case"),
        ('"rank 8"', "a phrase; what is quoted is never anything but text"),
        ("/^llama.*-r(8|16)$/", "a regular expression (i after it ignores case)"),
        ("lora -baseline", "the first and not the second"),
    ],
    "Fields": [
        ("name:llama3", "the name contains it; name=… is the whole name"),
        ("name:llama*-r8", "* stands for anything"),
        ("tag:lora", "has the tag; -tag:lora has not"),
        ("state:running", "running, finished, failed, killed, dead or preempted"),
        ("project:demo group:ablation", "both"),
        ("notes:/todo|fixme/i", "a regular expression in one field"),
        ("alert:nan", "an alert whose title contains it"),
        ("artifact:model", "made or used an artifact of that name"),
    ],
    "Time": [
        ("age<2d", "started in the last two days; s, m, h, d, w; 1h30m"),
        ("duration>1h", "ran (or has been running) longer than that"),
        ("started:2026-02-03", "on that day, local time"),
        ("started>=2026-02-03T10:30", "then or later"),
    ],
    "Metrics": [
        ("val/f1>0.9", "its last value; a metric never logged fails any comparison"),
        ("best(val/f1)>0.9", "its best, by define_metric(goal=) or the name (loss, acc …)"),
        ("max(lr)<=1e-3", "also min, first, mean, count and last"),
        ("train/loss=nan", "ended as NaN; inf and -inf likewise"),
        ('"acc@0.5:0.95">0.4', "quote names with spaces or any of :=<>()"),
        ("max(system.gpu.0.temp)>85", "a system metric"),
        ("steps>=1000 exit_code=0", "the last step; what the process returned"),
    ],
    "Config, summary, environment": [
        ("config.lr>=1e-3", "a number; nested keys are joined by dots"),
        ("config.optimizer.name:adam", "a text that contains it; = is to the letter"),
        ("config.fp16=true", "true, false or null"),
        ("config.layers:mlp", "a list with such an element"),
        ('config."learning rate"=0.1', "quote the part that needs it"),
        (
            "config.lr!=0.1",
            "has another; -config.lr=0.1 also passes runs without one",
        ),
        ("summary.verdict:good", "a summary value that the script set, or a metric's"),
        ("git.branch=main git.dirty:true", "the code it ran"),
        ("env.packages.torch:2.9*", "anything recorded about the machine and its packages"),
        ("has:val/f1 -has:config.seed", "there is one at all; there is none"),
    ],
    "Combined": [
        ("tag:lora OR tag:dora", "either; AND binds tighter, and is implied"),
        ("NOT (state:failed OR state:killed)", "neither; - is short for NOT"),
        ("val/f1>0.9 tag:lora age<2d", "all of it"),
    ],
}

RANKS = """\
A run that several processes recorded (ranks="all") is judged by its main process, rank 0, as
W&B judges it by the process that logs. What the others logged is in `trackerlite metrics RUN`,
in the view `metrics` (its column `rank`) and in Api().run(…).metric(key, rank=3).
"""

SORTING = """\
Sorting, columns and groups take the same names, separated by commas: --sort=-val/f1,name
(- puts the largest first; runs without a value come last), --columns "name,best(val/loss)",
--group-by config.lr.
"""


def page() -> str:
    """The language on one page of plain text, at most 100 columns wide."""
    lines = ["FILTERS", "", INTRODUCTION.rstrip()]
    wide = max(len(example) for examples in EXAMPLES.values() for example, _ in examples)
    for title, examples in EXAMPLES.items():
        lines += ["", title]
        lines += [f"  {example:<{wide}}  {meaning}" for example, meaning in examples]
    lines += ["", "All fields"]
    lines += [f"  {field.name:<{wide}}  {field.help}" for field in FIELDS.values()]
    lines += [
        "",
        f"All functions of a metric: {', '.join(AGGREGATES)}.",
        "",
        RANKS.rstrip(),
        "",
        SORTING.rstrip(),
    ]
    return "\n".join(lines)
