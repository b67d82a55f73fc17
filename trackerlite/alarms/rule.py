"""Conditions that `define_metric(alarm=…)` takes, as text."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from typing import Any

from trackerlite.errors import BadInput

_COMPARE: dict[type, Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip
_BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip
_CALLS: dict[str, Callable[..., Any]] = {
    "isnan": math.isnan, "isinf": math.isinf, "isfinite": math.isfinite, "abs": abs,
}  # fmt: skip


class Rule:
    """A condition on `x` (the value) and `step`, as text: `isnan(x) or x > 10`.

    Numbers, + − * /, comparisons, and/or/not, isnan, isinf, isfinite, abs. Nothing else is
    accepted, so a rule that comes from a file can do nothing but be true or false.

    Raises:
        BadInput: it is something else.

    >>> Rule("isnan(x) or x > 10")(12.0, 0)
    True
    """

    def __init__(self, text: str) -> None:
        if len(text) > 1000:
            raise BadInput(f"The alarm {text[:40]!r}… is longer than 1,000 characters.")
        try:
            tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise BadInput(
                f"The alarm {text[:80]!r} is no condition on x, such as 'x > 10'."
            ) from None
        self._run = _build(tree, text)

    def __call__(self, x: float, step: int) -> bool:
        try:
            return bool(self._run(x, step))
        except (ArithmeticError, ValueError):  # 1/x at 0
            return False


_Node = Callable[[float, int], Any]


def _given(index: int) -> _Node:
    return lambda *given: given[index]


def _build(node: ast.AST, text: str) -> _Node:
    """The tree as functions in functions; refuses what it does not know."""
    if isinstance(node, ast.Constant) and type(node.value) in (int, float, bool):
        value = float(node.value)  # type: ignore[arg-type]
        return lambda *_: value
    if isinstance(node, ast.Name) and node.id in ("x", "step"):
        return _given(0 if node.id == "x" else 1)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub)):
        inner = _build(node.operand, text)
        if isinstance(node.op, ast.Not):
            return lambda x, step: not inner(x, step)
        return lambda x, step: -inner(x, step)
    if isinstance(node, ast.BoolOp):
        parts = [_build(part, text) for part in node.values]
        together = any if isinstance(node.op, ast.Or) else all
        return lambda x, step: together(part(x, step) for part in parts)
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        act, a, b = _BINARY[type(node.op)], _build(node.left, text), _build(node.right, text)
        return lambda x, step: act(a(x, step), b(x, step))
    if isinstance(node, ast.Compare) and all(type(op) in _COMPARE for op in node.ops):
        sides = [_build(side, text) for side in (node.left, *node.comparators)]
        acts = [_COMPARE[type(op)] for op in node.ops]

        def compare(x: float, step: int) -> bool:
            found = [side(x, step) for side in sides]
            return all(act(found[i], found[i + 1]) for i, act in enumerate(acts))

        return compare
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        function = _CALLS.get(node.func.id)
        if function is not None and len(node.args) == 1:
            argument = _build(node.args[0], text)
            return lambda x, step: function(argument(x, step))
    raise BadInput(
        f"The alarm {text[:80]!r} is not understood: use x, step, numbers, comparisons, "
        "and, or, not, isnan(x), isinf(x), isfinite(x), abs(x)."
    )
