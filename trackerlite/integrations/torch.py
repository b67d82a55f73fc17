"""`run.watch(model)`: gradients and weights as histograms and norms, every so many steps."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from trackerlite.errors import BadInput
from trackerlite.media import Histogram
from trackerlite.recording import current
from trackerlite.recording.run import Run

_BINS = 64
_watches: list[Watch] = []


class Watch:
    """What is attached to one model. Between samples it costs one call of Python per step.

    Every `log_freq`-th training step it logs, without ending the step:
    `gradients/<name>` and `parameters/<name>` (histograms under W&B's names), and
    `gradient_norm/<name>`, `weight_norm/<name>` with a `total` each.
    """

    def __init__(self, model: torch.nn.Module, run: Run, log: str, log_freq: int, prefix: str):
        self.model, self.run, self.prefix = model, run, prefix
        self._log, self._every, self._count = log, log_freq, 0
        self._armed: list[Any] = []
        self._seen: dict[str, torch.Tensor] = {}
        self._handle = model.register_forward_hook(self._forward)

    def remove(self) -> None:
        """Stop watching."""
        self._handle.remove()
        self._disarm()

    def _forward(self, module: torch.nn.Module, inputs: Any, output: Any) -> None:  # noqa: ARG002
        if self.run._ended:
            unwatch(self.model)
            return
        if self._armed:
            self._disarm()  # the last sample's backward never came, or did not reach all
        if not (module.training and torch.is_grad_enabled()):
            return
        self._count += 1
        if self._count % self._every:
            return
        if self._log in ("parameters", "all"):
            weights = {name: p.detach() for name, p in module.named_parameters()}
            self._record("parameters", "weight_norm", weights)
        if self._log in ("gradients", "all"):
            self._armed = [
                p.register_hook(partial(self._gradient, name))
                for name, p in module.named_parameters()
                if p.requires_grad
            ]

    def _gradient(self, name: str, gradient: torch.Tensor) -> None:
        if not self._seen:
            # Once per backward, when all gradients are there: one row, one transfer.
            torch.autograd.Variable._execution_engine.queue_callback(self._backward_is_over)
        self._seen[name] = gradient.detach()

    def _backward_is_over(self) -> None:
        gradients, self._seen = self._seen, {}
        self._disarm()
        self._record("gradients", "gradient_norm", gradients)

    def _disarm(self) -> None:
        for handle in self._armed:
            handle.remove()
        self._armed = []

    def _record(self, kind: str, norm: str, tensors: dict[str, torch.Tensor]) -> None:
        if not tensors or self.run._ended:
            return
        flat = {name: _flat(tensor) for name, tensor in tensors.items()}
        norms = [torch.linalg.vector_norm(t).float().cpu() for t in flat.values()]
        row: dict[str, Any] = {f"{norm}/total": torch.stack(norms).norm().item()}
        for (name, tensor), size in zip(flat.items(), norms, strict=True):
            row[f"{norm}/{self.prefix}{name}"] = size.item()
            spread = _histogram(tensor)
            if spread is not None:
                row[f"{kind}/{self.prefix}{name}"] = spread
        self.run.log(row, commit=False)


def watch(
    models: Any,
    criterion: Any = None,  # noqa: ARG001 - W&B's signature
    log: str | None = "gradients",
    log_freq: int = 1000,
    idx: int | None = None,
    log_graph: bool = False,  # noqa: ARG001
    run: Run | None = None,
) -> list[Watch]:
    """Watch one model or several, as `wandb.watch` does; returns what was attached.

    Args:
        log: "gradients", "parameters", "all", or None for nothing.
        log_freq: every how many training steps.
        run: which run to log to; default the current one.

    Raises:
        BadInput: no module, an unknown `log`, or a model that is watched already.
    """
    run = run or current._require("watch()")
    if log is None:
        return []
    if log not in ("gradients", "parameters", "all"):
        raise BadInput(f"watch(log={log!r:.40}) has to be 'gradients', 'parameters' or 'all'.")
    if log_freq < 1:
        raise BadInput(f"watch(log_freq={log_freq}) has to be 1 or more.")
    wanted = list(models) if isinstance(models, (list, tuple)) else [models]
    attached = []
    for number, model in enumerate(wanted, start=len(_watches) if idx is None else idx):
        if not isinstance(model, torch.nn.Module):
            raise BadInput(f"watch() takes torch modules, not a {type(model).__name__}.")
        if any(w.model is model and not w.run._ended for w in _watches):
            raise BadInput("This model is watched already; call unwatch(model) first.")
        unwatch(model)  # by a run that has ended
        attached.append(Watch(model, run, log, log_freq, f"graph_{number}" if number else ""))
        _watches.append(attached[-1])
    return attached


def unwatch(models: Any = None) -> None:
    """Stop watching these models, or all."""
    chosen = models if isinstance(models, (list, tuple)) else [models]
    for one in list(_watches):
        if models is None or any(one.model is model for model in chosen):
            one.remove()
            _watches.remove(one)


def _flat(tensor: torch.Tensor) -> torch.Tensor:
    if tensor.is_sparse:  # what it does not hold is zero; those are left out
        tensor = tensor.coalesce().values()
    tensor = tensor.reshape(-1)
    return tensor if tensor.dtype in (torch.float32, torch.float64) else tensor.float()


def _histogram(flat: torch.Tensor) -> Histogram | None:
    finite = torch.isfinite(flat)
    if not finite.all():
        flat = flat[finite]
    if not flat.numel():
        return None
    low, high = flat.min().item(), flat.max().item()
    if low == high:
        return Histogram(np_histogram=([float(flat.numel())], [low, high]))
    counts = flat.histc(bins=_BINS, min=low, max=high)
    edges = torch.linspace(low, high, steps=_BINS + 1)
    return Histogram(np_histogram=(counts.tolist(), edges.tolist()))
