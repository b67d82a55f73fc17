"""System metrics: W&B's names, and drivers that lie, fail or hang."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import pytest

from trackerlite.capture import gpus, system


class FakeNvml:
    """NVML as far as we use it: two cards, the second too old for most questions."""

    NVML_TEMPERATURE_GPU = 0

    def __init__(self, pid=42):
        self.pid = pid

    def nvmlInit(self):
        pass

    def nvmlDeviceGetCount(self):
        return 2

    def nvmlDeviceGetHandleByIndex(self, index):
        return index

    def nvmlSystemGetDriverVersion(self):
        return b"550.1"

    def nvmlSystemGetCudaDriverVersion_v2(self):
        return 12040

    def nvmlDeviceGetName(self, handle):
        return b"Test GPU"

    def nvmlDeviceGetUUID(self, handle):
        return f"GPU-{handle}"

    def nvmlDeviceGetMemoryInfo(self, handle):
        return SimpleNamespace(total=1000, used=250)

    def nvmlDeviceGetUtilizationRates(self, handle):
        return SimpleNamespace(gpu=97, memory=40)

    def nvmlDeviceGetTemperature(self, handle, kind):
        if handle == 1:
            raise RuntimeError("not supported")
        return 61

    def nvmlDeviceGetPowerUsage(self, handle):
        if handle == 1:
            raise RuntimeError("not supported")
        return 300_000

    def nvmlDeviceGetEnforcedPowerLimit(self, handle):
        return 400_000

    def nvmlDeviceGetClockInfo(self, handle, clock):
        return 1000 + clock

    def nvmlDeviceGetComputeRunningProcesses(self, handle):
        if handle == 1:
            return []
        return [SimpleNamespace(pid=self.pid, usedGpuMemory=100)]


def nvidia(**how):
    return lambda: [gpus.Nvidia(FakeNvml(**how))]


@pytest.fixture
def said():
    return []


class TestSampler:
    def test_names_without_gpu(self, tmp_path, said):
        """CPU, memory, disk, network and process under W&B's names, all finite numbers."""
        sampler = system.Sampler(tmp_path, drivers=list, say=said.append)
        values = sampler.sample()
        for name in (
            "cpu", "cpu.0.cpu_percent", "proc.cpu.threads", "memory_percent", "proc.memory.rssMB",
            "proc.memory.availableMB", "proc.memory.percent", "disk./.usagePercent",
            "disk./.usageGB", "network.sent", "network.recv",
        ):  # fmt: skip
            assert isinstance(values[name], float), name
            assert values[name] >= 0
        assert not any(name.startswith("gpu") for name in values)
        assert said == []

    def test_cpu_percent_is_ours(self, tmp_path):
        """Two busy samples show this process's own load, as a share of all processors."""
        sampler = system.Sampler(tmp_path, drivers=list)
        sampler.sample()
        end = time.process_time() + 0.2
        while time.process_time() < end:
            pass
        assert 10 < sampler.sample()["cpu"] <= 100

    def test_gpu_names(self, tmp_path):
        """Per GPU utilisation, memory, temperature, power; ours apart under `gpu.process`."""
        import os

        sampler = system.Sampler(tmp_path, drivers=nvidia(pid=os.getpid()))
        values = sampler.sample()
        assert values["gpu.0.gpu"] == 97
        assert values["gpu.0.memory"] == 40
        assert values["gpu.0.memoryAllocated"] == 25
        assert values["gpu.0.memoryAllocatedBytes"] == 250
        assert values["gpu.0.temp"] == 61
        assert values["gpu.0.powerWatts"] == 300
        assert values["gpu.0.powerPercent"] == 75
        assert values["gpu.process.0.memoryAllocatedBytes"] == 100
        assert values["gpu.process.0.gpu"] == 97
        assert "gpu.1.temp" not in values, "a question an old card cannot answer is left out"
        assert values["gpu.1.gpu"] == 97
        assert not any(name.startswith("gpu.process.1") for name in values)

    def test_others_processes_are_not_ours(self, tmp_path):
        """Somebody else's use of a shared GPU is not counted as this run's."""
        values = system.Sampler(tmp_path, drivers=nvidia(pid=1)).sample()
        assert "gpu.0.gpu" in values
        assert not any(name.startswith("gpu.process") for name in values)

    def test_failing_driver(self, tmp_path, said):
        """A driver that raises costs its values and one sentence, however often it is asked."""

        class Broken:
            def sample(self, pids):
                raise OSError("GPU is lost")

        sampler = system.Sampler(tmp_path, drivers=lambda: [Broken()], say=said.append)
        for _ in range(3):
            assert "cpu" in sampler.sample()
        assert len(said) == 1
        assert "GPU is lost" in said[0]

    def test_hanging_driver(self, tmp_path, said, monkeypatch):
        """A driver that hangs is waited for once, briefly, and never again."""
        monkeypatch.setattr(system, "PATIENCE", 0.2)
        gate = threading.Event()

        class Hangs:
            def sample(self, pids):
                gate.wait(30)
                return []

        sampler = system.Sampler(tmp_path, drivers=lambda: [Hangs()], say=said.append)
        start = time.monotonic()
        sampler.sample()
        first = time.monotonic() - start
        start = time.monotonic()
        sampler.sample()
        again = time.monotonic() - start
        gate.set()
        assert 0.15 < first < 3
        assert again < 0.15
        assert len(said) == 1
        assert "did not answer" in said[0]

    def test_closed_while_a_driver_hangs(self, tmp_path):
        """A run that ends while a driver hangs does not wait for it."""
        asked, gate = threading.Event(), threading.Event()

        class Hangs:
            def sample(self, pids):
                asked.set()
                gate.wait(30)
                return []

        sampler = system.Sampler(tmp_path, drivers=lambda: [Hangs()])
        sampling = threading.Thread(target=sampler.sample)
        sampling.start()
        assert asked.wait(10)
        sampler.close()
        sampling.join(system.PATIENCE / 2)
        assert not sampling.is_alive()
        gate.set()

    def test_closed(self, tmp_path):
        """After `close` the GPU thread is gone."""
        sampler = system.Sampler(tmp_path, drivers=nvidia())
        sampler.sample()
        thread = sampler._gpus._thread
        sampler.close()
        thread.join(5)
        assert not thread.is_alive()


class TestDescribe:
    def test_nvidia(self):
        """Name, memory, driver and CUDA version of each card."""
        first = system.describe_gpus(drivers=nvidia())[0]
        assert first == {
            "vendor": "nvidia", "name": "Test GPU", "memory_total": 1000, "uuid": "GPU-0",
            "driver": "550.1", "cuda": "12.4",
        }  # fmt: skip

    def test_hanging(self):
        """A driver that hangs means no GPUs in the record, not a run that does not start."""
        start = time.monotonic()
        assert system.describe_gpus(0.2, drivers=lambda: time.sleep(3) or []) == []
        assert time.monotonic() - start < 1

    def test_no_library(self):
        """Without a library or a driver there are no drivers, and nobody is told."""
        assert gpus.drivers() == []

    def test_amd(self):
        """amdsmi's answers land under the same names; its "N/A" is left out."""
        smi = SimpleNamespace(
            amdsmi_init=lambda: None,
            amdsmi_get_processor_handles=lambda: ["a"],
            amdsmi_get_gpu_activity=lambda h: {"gfx_activity": 50, "umc_activity": "N/A"},
            amdsmi_get_gpu_memory_usage=lambda h, k: 10,
            amdsmi_get_gpu_memory_total=lambda h, k: 40,
            amdsmi_get_power_info=lambda h: {
                "average_socket_power": "N/A",
                "current_socket_power": 99,
            },
            amdsmi_get_temp_metric=lambda h, k, m: 55,
            amdsmi_get_gpu_asic_info=lambda h: {"market_name": "MI300X"},
            amdsmi_get_gpu_driver_info=lambda h: {"driver_version": "6"},
            amdsmi_get_gpu_device_uuid=lambda h: "u",
            AmdSmiMemoryType=SimpleNamespace(VRAM=0),
            AmdSmiTemperatureType=SimpleNamespace(EDGE=0),
            AmdSmiTemperatureMetric=SimpleNamespace(CURRENT=0),
        )
        driver = gpus.Amd(smi)
        assert driver.sample(frozenset()) == [
            {
                "gpu": 50, "memoryAllocated": 25, "memoryAllocatedBytes": 10, "powerWatts": 99,
                "temp": 55,
            }
        ]  # fmt: skip
        assert driver.describe()[0]["name"] == "MI300X"
