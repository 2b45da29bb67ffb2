"""Run the benchmarks and print one line per ratio, with the goal beside it."""

import os
import sys

import torch

from benchmarks import (
    click,
    data,
    first_picture,
    following,
    frame_rate,
    fusion,
    gpu,
    growth,
    import_time,
    live,
    maps,
    memory,
    notebook,
    page_faults,
    page_size,
    parallel,
    slow_motion,
    sub_step,
    workers,
)

ALL = {
    "import_time": import_time.main,
    "sub_step": sub_step.main,
    "page_faults": page_faults.main,
    "data": data.main,
    "live": live.main,
    "following": following.main,
    "memory": memory.main,
    "maps": maps.main,
    "click": click.main,
    "slow_motion": slow_motion.main,
    "first_picture": first_picture.main,
    "fusion": fusion.main,
    "frame_rate": frame_rate.main,
    "notebook": notebook.main,
    "page_size": page_size.main,
    "growth": growth.main,
    "parallel": parallel.main,
    "workers": workers.main,
    "gpu": gpu.main,
}


def main() -> int:
    wanted = sys.argv[1:] or list(ALL)
    if unknown := [name for name in wanted if name not in ALL]:
        print(f"unknown benchmark {unknown[0]!r}: choose among {', '.join(ALL)}", file=sys.stderr)
        return 2
    # What is started finds its bytecode, as it does on a person's machine.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads by default")
    for name in wanted:
        print(f"\n{name}: {sys.modules[f'benchmarks.{name}'].__doc__.splitlines()[0]}")
        ALL[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main())
