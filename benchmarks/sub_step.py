"""What do head gradient modification and alternation cost in a training step?"""

import mla_core as mla
from benchmarks.timing import paired, report

ROUNDS = 4  # in one timed block
RUNS = 40


def main() -> None:
    data = mla.load_dataset("spoken_digits")

    def session(**settings: object) -> mla.TrainingSession:
        config = mla.ExperimentConfig(epochs=10_000, evaluate_every=10**9, **settings)
        return mla.TrainingSession(config, data)

    def compare(what: str, a: mla.TrainingSession, b: mla.TrainingSession, goal: str) -> None:
        def block(s: mla.TrainingSession) -> None:
            s.advance(steps=ROUNDS * (3 if s.config.method == "mla" else 1))

        report(what, paired(lambda: block(a), lambda: block(b), RUNS), goal)

    for size in (128, 512):
        on, off = (session(feature_size=size, head_gradient=v) for v in ("paper", "off"))
        compare(f"{3 * ROUNDS} sub-steps, s = {size}: HGM on / off", on, off, "at most 1.05")
    joint = session(method="concat")
    for variant in ("paper", "off"):
        alternating = session(head_gradient=variant)
        compare(f"{ROUNDS} rounds ({variant}) / joint steps", alternating, joint, "at most 1.15")
