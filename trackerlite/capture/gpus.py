"""GPUs behind one small interface: what a driver can tell, whoever made the card.

A driver may be missing, broken or hang for minutes (a card that fell off the bus does);
whoever asks does so from a thread of its own, see `system`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol


class Driver(Protocol):
    """One vendor's library."""

    def describe(self) -> list[dict[str, Any]]:
        """Per GPU: vendor, name, memory_total (bytes), uuid, driver version."""

    def sample(self, pids: frozenset[int]) -> list[dict[str, float]]:
        """Per GPU the current values under W&B's names (`gpu`, `memory`, `temp`, …); a value
        the card does not have is left out. `process.*` ones only for a GPU that `pids` use."""


def drivers() -> list[Driver]:
    """Those whose library is installed and answers. Never raises."""
    found: list[Driver] = []
    for make in (Nvidia, Amd):
        try:
            found.append(make())
        except Exception:  # noqa: S112 - no library, driver or permission: no such GPUs
            continue
    return found


class Nvidia:
    """NVIDIA cards, through NVML."""

    def __init__(self, nvml: Any = None) -> None:
        nvml = nvml or import_module("pynvml")
        nvml.nvmlInit()
        self._nvml = nvml
        self._handles = [
            nvml.nvmlDeviceGetHandleByIndex(index) for index in range(nvml.nvmlDeviceGetCount())
        ]
        if not self._handles:
            raise LookupError("no NVIDIA GPU")

    def describe(self) -> list[dict[str, Any]]:
        nvml, out = self._nvml, []
        driver = _ask(nvml.nvmlSystemGetDriverVersion)
        cuda = _ask(lambda: nvml.nvmlSystemGetCudaDriverVersion_v2())
        for handle in self._handles:
            about = {
                "vendor": "nvidia",
                "name": _text(_ask(nvml.nvmlDeviceGetName, handle)),
                "memory_total": _ask(lambda h=handle: int(nvml.nvmlDeviceGetMemoryInfo(h).total)),
                "uuid": _text(_ask(nvml.nvmlDeviceGetUUID, handle)),
                "driver": _text(driver),
                "cuda": f"{cuda // 1000}.{cuda % 1000 // 10}" if isinstance(cuda, int) else None,
            }
            out.append({key: value for key, value in about.items() if value is not None})
        return out

    def sample(self, pids: frozenset[int]) -> list[dict[str, float]]:
        return [self._one(handle, pids) for handle in self._handles]

    def _one(self, handle: Any, pids: frozenset[int]) -> dict[str, float]:
        nvml = self._nvml
        values: dict[str, float] = {}
        use = _ask(nvml.nvmlDeviceGetUtilizationRates, handle)
        if use is not None:
            values["gpu"] = float(use.gpu)
            values["memory"] = float(use.memory)
        memory = _ask(nvml.nvmlDeviceGetMemoryInfo, handle)
        if memory is not None and memory.total:
            values["memoryAllocated"] = 100.0 * memory.used / memory.total
            values["memoryAllocatedBytes"] = float(memory.used)
        temperature = _ask(
            nvml.nvmlDeviceGetTemperature, handle, getattr(nvml, "NVML_TEMPERATURE_GPU", 0)
        )
        if temperature is not None:
            values["temp"] = float(temperature)
        power = _ask(nvml.nvmlDeviceGetPowerUsage, handle)  # milliwatts
        if power is not None:
            values["powerWatts"] = power / 1000.0
            limit = _ask(nvml.nvmlDeviceGetEnforcedPowerLimit, handle)
            if limit:
                values["enforcedPowerLimitWatts"] = limit / 1000.0
                values["powerPercent"] = 100.0 * power / limit
        for name, clock in (("smClock", 1), ("memoryClock", 2), ("graphicsClock", 0)):
            hertz = _ask(nvml.nvmlDeviceGetClockInfo, handle, clock)
            if hertz is not None:
                values[name] = float(hertz)
        self._process(handle, pids, values, memory)
        return values

    def _process(
        self, handle: Any, pids: frozenset[int], values: dict[str, float], memory: Any
    ) -> None:
        """What our own processes use of it, under `process.*` where any of them is there."""
        ours = [
            process
            for process in _ask(self._nvml.nvmlDeviceGetComputeRunningProcesses, handle) or []
            if process.pid in pids
        ]
        if not ours:
            return
        for name in ("gpu", "memory", "temp", "powerWatts", "powerPercent"):
            if name in values:
                values[f"process.{name}"] = values[name]
        used = sum(process.usedGpuMemory or 0 for process in ours)
        if used and memory is not None and memory.total:
            values["process.memoryAllocated"] = 100.0 * used / memory.total
            values["process.memoryAllocatedBytes"] = float(used)


class Amd:
    """AMD cards, through the amdsmi library that comes with ROCm."""

    def __init__(self, smi: Any = None) -> None:
        smi = smi or import_module("amdsmi")
        smi.amdsmi_init()
        self._smi = smi
        self._handles = list(smi.amdsmi_get_processor_handles())
        if not self._handles:
            raise LookupError("no AMD GPU")

    def describe(self) -> list[dict[str, Any]]:
        smi, out = self._smi, []
        for handle in self._handles:
            board = _ask(smi.amdsmi_get_gpu_asic_info, handle) or {}
            driver = _ask(smi.amdsmi_get_gpu_driver_info, handle) or {}
            about = {
                "vendor": "amd",
                "name": board.get("market_name"),
                "memory_total": self._memory(handle)[1],
                "uuid": _text(_ask(smi.amdsmi_get_gpu_device_uuid, handle)),
                "driver": driver.get("driver_version"),
            }
            out.append({key: value for key, value in about.items() if value})
        return out

    def sample(self, pids: frozenset[int]) -> list[dict[str, float]]:  # noqa: ARG002
        out = []
        for handle in self._handles:
            values: dict[str, float] = {}
            use = _ask(self._smi.amdsmi_get_gpu_activity, handle) or {}
            _put(values, "gpu", use.get("gfx_activity"))
            _put(values, "memory", use.get("umc_activity"))
            used, total = self._memory(handle)
            if used is not None and total:
                values["memoryAllocated"] = 100.0 * used / total
                values["memoryAllocatedBytes"] = float(used)
            power = _ask(self._smi.amdsmi_get_power_info, handle) or {}
            watts = power.get("average_socket_power")
            _put(
                values, "powerWatts", watts if _number(watts) else power.get("current_socket_power")
            )
            kinds, metrics = self._smi.AmdSmiTemperatureType, self._smi.AmdSmiTemperatureMetric
            heat = _ask(self._smi.amdsmi_get_temp_metric, handle, kinds.EDGE, metrics.CURRENT)
            _put(values, "temp", heat)
            out.append(values)
        return out

    def _memory(self, handle: Any) -> tuple[int | None, int | None]:
        kind = self._smi.AmdSmiMemoryType.VRAM
        used = _ask(self._smi.amdsmi_get_gpu_memory_usage, handle, kind)
        return used, _ask(self._smi.amdsmi_get_gpu_memory_total, handle, kind)


def _ask(question: Callable[..., Any], *args: Any) -> Any:
    """One answer of a driver, or None: old cards and drivers lack many of them."""
    try:
        return question(*args)
    except Exception:  # NVMLError and its like; each vendor has its own tree
        return None


def _put(values: dict[str, float], name: str, value: Any) -> None:
    if _number(value):
        values[name] = float(value)


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _text(value: Any) -> str | None:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else None
