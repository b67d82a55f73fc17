"""Alarms: something in a run deserves a look before morning.

Judged from the run's own journal, by the thread beside the training: NaN and Inf, rules
given with `define_metric(alarm=…)`, a loss that diverges, a run that stalls. Each is raised
when it begins, not again while it lasts.
"""

from trackerlite.alarms.rule import Rule
from trackerlite.alarms.watching import Alarms

__all__ = ["Alarms", "Rule"]
