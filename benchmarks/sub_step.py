"""What do head gradient modification and alternation cost in a training step?"""

import mla_core as mla
from benchmarks.timing import paired, report
from mla_core.threads import cores

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
    print(f"  {cores()} cores; a round's encoders work side by side where there are several")
    goal = "at most 0.75" if cores() > 1 else "at most 1.15"
    for size in (64, 256):
        joint = session(method="concat", batch_size=size)
        for variant in ("paper", "off"):
            rounds = session(head_gradient=variant, batch_size=size)
            what = f"{ROUNDS} rounds ({variant}) / joint steps, batches of {size}"
            compare(what, rounds, joint, goal)
