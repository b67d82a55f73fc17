"""Which way is better for a metric: as declared, or as its name says."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

Goal = Literal["min", "max"]


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_SMALLER = _set(
    """
    loss losses error err errors perplexity ppl mse rmse mae mape nll bpb bpc bits wer cer ter
    eer fid kl divergence regret latency brier ece logloss crossentropy hinge fpr fnr overflow
    misses
    """
)
_LARGER = _set(
    """
    acc accuracy accuracies top1 top5 f1 fbeta precision recall auc auroc roc auprc prauc ap map map50
    map95 ndcg mrr bleu chrf rouge rouge1 rouge2 rougel rougelsum meteor cider spice score iou
    miou dice r2 reward rewards scores psnr ssim mcc kappa pearson spearman em winrate
    throughput tpr hits sensitivity specificity mfu
    """
)
# `map50` and `r2` are names; `acc@5`, `ndcg_10` and `f1-macro` are a name and something else.
_WORDS = re.compile(r"[a-z]+[0-9]*|[0-9]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@lru_cache(maxsize=4096)
def guess(name: str) -> Goal | None:
    """The direction that the name of a metric tells, or None.

    The part after the last `/` counts most, and in it the last word, because English
    puts the head of a phrase last: `score_loss` is a loss, `loss_score` a score.

    >>> guess("val/loss"), guess("eval/f1_macro"), guess("loss/train"), guess("lr")
    ('min', 'max', 'min', None)
    """
    for part in reversed(name.split("/")):
        # mAP50 is one word, valLoss two.
        words = _WORDS.findall(_CAMEL.sub("_", part).lower()) + _WORDS.findall(part.lower())
        if words[-2:] in (["per", "second"], ["per", "sec"]):
            return "max"
        for word in reversed(words):
            if word in _SMALLER:
                return "min"
            if word in _LARGER:
                return "max"
    return None


def better(name: str, declared: str | None = None) -> Goal | None:
    """`min` or `max`: as `define_metric(goal=)` declared it, else as the name tells, else None."""
    if declared == "min":
        return "min"
    if declared == "max":
        return "max"
    return guess(name)
