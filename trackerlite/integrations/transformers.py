"""Hugging Face `Trainer`: a callback, and `report_to="trackerlite"` once this is imported.

    import trackerlite.integrations.transformers
    args = TrainingArguments(..., report_to="trackerlite")

Keys and config are those of the Trainer's own W&B integration; a row's step is the
Trainer's global step, as in its TensorBoard integration.
"""

# ruff: noqa: ARG002 - the Trainer passes all it has to every callback
from __future__ import annotations

import tempfile
import weakref
from pathlib import Path
from typing import Any

from transformers import TrainerCallback
from transformers.integrations import integration_utils
from transformers.trainer_callback import ExportableState

from trackerlite.integrations import _runs
from trackerlite.recording import current, resuming
from trackerlite.recording.run import Run
from trackerlite.recording.settings import environment

# What the Trainer reports once, about the training as a whole.
_ONCE = (
    "train_runtime",
    "train_samples_per_second",
    "train_steps_per_second",
    "train_loss",
    "total_flos",
)
_trained: weakref.WeakSet[Run] = weakref.WeakSet()


class TrackerliteCallback(TrainerCallback, ExportableState):  # type: ignore[misc]
    """Records a `Trainer`'s training, on the main process only.

    It writes to the current run, or begins one; the run stays open after the training, for
    `evaluate` and `predict`, and ends with the process, with `trackerlite.finish()`, or when a
    Trainer of another `run_name` begins its own. The
    checkpoints know their run, so `train(resume_from_checkpoint=…)` continues it behind the
    checkpoint's step, also in a new process.

    Args:
        init: arguments for `trackerlite.init` where no run is current (project, name, tags, …).

    Environment: `TRACKERLITE_LOG_MODEL` = "end" or "checkpoint" keeps the model, or every
    checkpoint, as an artifact; `TRACKERLITE_WATCH` = "gradients", "parameters" or "all".
    Both fall back to the `WANDB_*` variable of that name.

    >>> trainer = Trainer(model, args, callbacks=[TrackerliteCallback(project="scanner")])  # doctest: +SKIP
    """

    def __init__(self, **init: Any):
        self._init = init
        self._run: Run | None = None
        #: {"project", "id", "offset"} of the run that is being recorded, kept in checkpoints
        self.recorded: dict[str, Any] = {}

    # -- what goes into a checkpoint and comes back from it -----------------------------

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps of this callback."""
        plain = {
            k: v for k, v in self._init.items() if isinstance(v, (str, int, float, bool, list))
        }
        return {"args": plain, "attributes": {"recorded": self.recorded}}

    def _checkpoints_run(self, state: Any) -> dict[str, Any]:
        """Which run the checkpoint that is being resumed from belongs to; {} if it cannot be told."""
        kept = (state.stateful_callbacks or {}).get(type(self).__name__) or {}
        if isinstance(kept, list):
            kept = kept[-1]
        recorded = (kept.get("attributes") or {}).get("recorded") or {}
        return recorded if state.global_step > 0 and recorded.get("id") else {}

    # -- the Trainer's events -----------------------------------------------------------

    def on_train_begin(
        self, args: Any, state: Any, control: Any, model: Any = None, **_: Any
    ) -> None:
        """Begin or continue the run, and record what is trained with."""
        if state.stateful_callbacks is not None:
            # The Trainer expects an entry, which checkpoints made without us do not have.
            earlier = self._checkpoints_run(state)
            state.stateful_callbacks.setdefault(type(self).__name__, self.state())
        if not state.is_world_process_zero:
            return
        if state.is_hyper_param_search:
            current.finish()
            self._run = None
            args.run_name = None
        self._begin(args, state, model, earlier)

    def _begin(self, args: Any, state: Any, model: Any, earlier: dict[str, Any]) -> Run:
        wanted = {**self._identity(args, state), **self._init}
        run = self._run if self._run is not None and not self._run._ended else None
        if run is None:
            _runs.make_room(earlier or {**wanted, "project": self._init.get("project")})
            run = current.current()
        offset = 0
        if run is None and earlier:
            offset = int(earlier.get("offset", 0))
            step = offset + state.global_step
            run = _runs.go_on(earlier["project"], earlier["id"], step, **self._init)
        elif run is None:
            run = _runs.begin(**wanted)
        elif earlier and (earlier["project"], earlier["id"]) == (run.project, run.id):
            offset = int(earlier.get("offset", 0))
            if run in _trained or run.step > offset + state.global_step + 1:
                resuming.go_back(run, offset + state.global_step)
        elif run in _trained and (state.global_step == 0 or earlier):
            offset = run.step  # another training in the same run: behind the first, not over it
        self._run = run
        _trained.add(run)
        self.recorded = {"project": run.project, "id": run.id, "offset": offset}
        if model is not None:
            self._describe(run, args, state, model)
        return run

    def _identity(self, args: Any, state: Any) -> dict[str, Any]:
        found: dict[str, Any] = {"project": environment("PROJECT") or "huggingface"}
        if state.trial_name is not None:
            return {**found, "name": state.trial_name, "group": args.run_name or args.output_dir}
        return {**found, "name": args.run_name} if args.run_name else found

    def _describe(self, run: Run, args: Any, state: Any, model: Any) -> None:
        config: dict[str, Any] = {}
        if getattr(model, "peft_config", None) is not None:
            config["peft_config"] = model.peft_config
        if getattr(model, "config", None) is not None:
            config.update(
                model.config if isinstance(model.config, dict) else model.config.to_dict()
            )
        config.update(args.to_dict())
        try:
            config["model/num_parameters"] = model.num_parameters()
        except AttributeError:
            pass  # no PreTrainedModel
        if state.trial_params:
            config.update(state.trial_params)
        run.config.update(config)
        run.define_metric("*loss", goal="min")
        if args.metric_for_best_model and args.greater_is_better is not None:
            metric = str(args.metric_for_best_model).removeprefix("eval_")
            run.define_metric(f"eval/{metric}", goal="max" if args.greater_is_better else "min")
        watched = environment("WATCH") or "false"
        if watched in ("gradients", "parameters", "all"):
            from trackerlite.integrations.torch import watch

            watch(model, log=watched, log_freq=max(100, int(state.logging_steps or 0)), run=run)

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any
    ) -> None:
        """Record what the Trainer logs, under the names its W&B integration uses."""
        if not state.is_world_process_zero or not logs:
            return
        run = self._ready(args, state, kwargs.get("model"))
        once = {key: logs[key] for key in _ONCE if key in logs}
        if once:
            run.summary.update(once)
        rows = integration_utils.rewrite_logs({k: v for k, v in logs.items() if k not in _ONCE})
        rows["train/global_step"] = state.global_step
        run.log(rows, step=self.recorded["offset"] + state.global_step)

    def on_predict(
        self, args: Any, state: Any, control: Any, metrics: dict[str, Any], **kwargs: Any
    ) -> None:
        """Record the metrics of `Trainer.predict`."""
        if state.is_world_process_zero:
            run = self._ready(args, state, kwargs.get("model"))
            step = self.recorded["offset"] + state.global_step
            run.log(integration_utils.rewrite_logs(metrics), step=step)

    def _ready(self, args: Any, state: Any, model: Any) -> Run:
        """The run; one is begun for an evaluation without a training, and one that ended goes on."""
        if self._run is None:
            return self._begin(args, state, model, {})
        if self._run._ended:
            self._run = _runs.begin(project=self._run.project, id=self._run.id)
            _runs.over(self._run)
        return self._run

    # -- models as artifacts ------------------------------------------------------------

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Keep the checkpoint that was just written, if asked to."""
        if (
            not state.is_world_process_zero
            or environment("LOG_MODEL") != "checkpoint"
            or self._run is None
        ):
            return
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        if folder.is_dir():
            aliases = [
                f"epoch_{round(state.epoch or 0, 2)}",
                f"checkpoint_global_step_{state.global_step}",
            ]
            self._keep(folder, args, aliases, {})

    def on_train_end(
        self,
        args: Any,
        state: Any,
        control: Any,
        model: Any = None,
        processing_class: Any = None,
        **_: Any,
    ) -> None:
        """Keep the trained model, if asked to."""
        _runs.over(self._run)
        if not state.is_world_process_zero or environment("LOG_MODEL") not in ("end", "checkpoint"):
            return
        if self._run is None or not hasattr(model, "save_pretrained"):
            return
        with tempfile.TemporaryDirectory() as folder:
            model.save_pretrained(folder)
            if hasattr(processing_class, "save_pretrained"):
                processing_class.save_pretrained(folder)
            self._keep(Path(folder), args, ["final_model"], {"final_model": True})

    def _keep(self, folder: Path, args: Any, aliases: list[str], about: dict[str, Any]) -> None:
        run = self._run
        assert run is not None
        own_name = args.run_name is None or args.run_name == args.output_dir
        metadata: dict[str, Any] = {
            k: v for k, v in run.summary.items() if isinstance(v, (int, float))
        }
        metadata["model/num_parameters"] = run.config.get("model/num_parameters")
        run.log_artifact(
            str(folder),
            name=f"model-{run.id if own_name else run.name}",
            type="model",
            metadata={**metadata, **about},
            aliases=aliases,
        )


integration_utils.INTEGRATION_TO_CALLBACK["trackerlite"] = TrackerliteCallback
