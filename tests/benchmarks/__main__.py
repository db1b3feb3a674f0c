"""`make bench`: every measure of the house, as ratios within this one run. Nothing is asserted.

python -m tests.benchmarks [NAME…]      only some: frame fill version status fan idle logs cookies
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable

from tests.benchmarks import bench_logs, commands, cookies, screen

MEASURES: dict[str, Callable[[], str | Iterable[str]]] = {
    "frame": screen.first_frame,
    "fill": screen.filled,
    "version": commands.version,
    "status": commands.status,
    "fan": commands.fan_out,
    "idle": screen.idle,
    "cookies": cookies.profile_of_cookies,
    "logs": bench_logs.logs,
}


def main(names: list[str]) -> None:
    """Run the measures and print a line each."""
    for name, measure in MEASURES.items():
        if names and name not in names:
            continue
        result = measure()
        for line in [result] if isinstance(result, str) else result:
            print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
