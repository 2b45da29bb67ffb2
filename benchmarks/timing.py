"""Fair comparison: two things in turn, A B A B ..., and the median of the ratios pair by pair."""

import statistics
import time
from collections.abc import Callable


def seconds(action: Callable[[], object]) -> float:
    """Return how long one call takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def paired(
    a: Callable[[], object], b: Callable[[], object], runs: int
) -> list[tuple[float, float]]:
    """Time both in turn after one warm-up each; the machine's drift hits both alike."""
    a(), b()
    return [(seconds(a), seconds(b)) for _ in range(runs)]


def report(what: str, pairs: list[tuple[float, float]], goal: str) -> None:
    """Print the median ratio a/b with its quartiles, and both medians."""
    low, middle, high = statistics.quantiles([a / b for a, b in pairs], n=4)
    first, second = (1e3 * statistics.median(side) for side in zip(*pairs, strict=True))
    print(
        f"  {what}: {middle:.3f} (quartiles {low:.3f} to {high:.3f}; {first:.2f} ms against "
        f"{second:.2f} ms; {len(pairs)} pairs; goal {goal})"
    )
