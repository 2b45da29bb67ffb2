"""Questions to a trained session: what each modality contributes, what a setting would change."""

from mla_core.analysis.comparable import why_not_comparable
from mla_core.analysis.conflict import gradient_conflict
from mla_core.analysis.fusion_study import (
    OWN,
    SELECTIONS,
    Sweep,
    best_modality,
    broken,
    fitted_temperatures,
    fused_again,
    in_place,
    most_uncertain,
    rescued,
    rules_for,
    sweep,
    weighed_by,
)
from mla_core.analysis.gap_shift import SHIFTS
from mla_core.analysis.guesses import (
    HOW_MANY,
    highest,
    how_many,
    in_range,
    lowest,
    one_run,
    ranges,
)
from mla_core.analysis.head_watch import HeadStep, watch_step
from mla_core.analysis.report import report_of
from mla_core.analysis.slow_motion import (
    STAGES,
    Projection,
    SlowStep,
    going_on,
    slow_step,
    why_no_projection,
)
from mla_core.analysis.variant_courses import VariantCourse

__all__ = [
    "HOW_MANY",
    "OWN",
    "SELECTIONS",
    "SHIFTS",
    "STAGES",
    "HeadStep",
    "Projection",
    "SlowStep",
    "Sweep",
    "VariantCourse",
    "best_modality",
    "broken",
    "fitted_temperatures",
    "fused_again",
    "going_on",
    "gradient_conflict",
    "highest",
    "how_many",
    "in_place",
    "in_range",
    "lowest",
    "most_uncertain",
    "one_run",
    "ranges",
    "report_of",
    "rescued",
    "rules_for",
    "slow_step",
    "sweep",
    "watch_step",
    "weighed_by",
    "why_no_projection",
    "why_not_comparable",
]
