"""Accelerate: `Accelerator(log_with="trackerlite")` once this module is imported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from accelerate.tracking import GeneralTracker, on_main_process, register_tracker_class

from trackerlite.recording import current
from trackerlite.recording.run import Run

_Method = TypeVar("_Method", bound=Callable[..., None])


def _main(method: _Method) -> _Method:
    """Run on the main process only."""
    only: _Method = on_main_process(method)
    return only


class TrackerliteTracker(GeneralTracker):  # type: ignore[misc]
    """Accelerate's tracker: the project is `init_trackers(project_name)`.

    Args:
        run_name: the project.
        init: arguments for `trackerlite.init`
            (`init_trackers(…, init_kwargs={"trackerlite": {"name": "first"}})`).

    >>> import trackerlite.integrations.accelerate  # doctest: +SKIP
    >>> accelerator = Accelerator(log_with="trackerlite")  # doctest: +SKIP
    """

    name = "trackerlite"
    requires_logging_directory = False
    main_process_only = False  # each method sees to it, as in Accelerate's own W&B tracker

    def __init__(self, run_name: str, **init: Any):
        super().__init__()
        self.run_name = run_name
        self._init = init
        self.run: Run | None = None

    @_main
    def start(self) -> None:
        """Begin the run."""
        self.run = current.init(project=self.run_name, **self._init)

    @property
    def tracker(self) -> Run | None:
        """The run; None on other processes than the main one."""
        return self.run

    @_main
    def store_init_configuration(self, values: dict[str, Any]) -> None:
        """Record hyperparameters."""
        assert self.run is not None
        self.run.config.update(values)

    @_main
    def log(self, values: dict[str, Any], step: int | None = None, **more: Any) -> None:
        """Record metrics."""
        assert self.run is not None
        self.run.log(values, step=step, **more)

    @_main
    def log_images(self, values: dict[str, Any], step: int | None = None, **more: Any) -> None:
        """Record lists of pictures."""
        from trackerlite.media import Image

        self.log(
            {key: [Image(image) for image in images] for key, images in values.items()},
            step,
            **more,
        )

    @_main
    def log_table(
        self,
        table_name: str,
        columns: list[str] | None = None,
        data: list[list[Any]] | None = None,
        dataframe: Any = None,
        step: int | None = None,
        **more: Any,
    ) -> None:
        """Record a table, from columns and data or from a data frame."""
        from trackerlite.media import Table

        self.log({table_name: Table(columns=columns, data=data, dataframe=dataframe)}, step, **more)

    @_main
    def finish(self) -> None:
        """End the run."""
        if self.run is not None:
            self.run.finish()


register_tracker_class(TrackerliteTracker)
