"""Where and when figures were measured: what goes into the json files beside them."""

from __future__ import annotations

import datetime
import os
import platform
from pathlib import Path

_CPU_INFO = Path("/proc/cpuinfo")


def processor() -> str:
    """Names the processor as far as the system tells.

    Returns:
      Its maker's name for it, where there is one; else its kind, such as x86_64.
    """
    if _CPU_INFO.is_file():
        for line in _CPU_INFO.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name" and value.strip():
                return value.strip()
    return platform.processor() or platform.machine()


def here_and_now() -> dict[str, str]:
    """Says what a file of figures must say of its origin.

    Returns:
      `machine`, such as "AMD EPYC, 2 cores, Linux", and `date`, as 2026-11-29.
    """
    return {
        "machine": f"{processor()}, {os.cpu_count()} cores, {platform.system()}",
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
    }
