"""A report: one HTML page with everything in it, for somebody who has none of this installed."""

from trackerlite.report.page import Written, write_report

__all__ = ["Written", "write_report"]
