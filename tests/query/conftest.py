"""Options and fixtures of the query tests."""

from __future__ import annotations
