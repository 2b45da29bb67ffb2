"""What many runs say together: one row per run, tables, comparisons over seeds, plain words."""

from mla_core.results.choices import choices_beside, stage_one, stage_one_markdown
from mla_core.results.comparisons import (
    ahead_of_all,
    compare_variants,
    compare_with,
    comparisons_markdown,
)
from mla_core.results.files import (
    check_csv,
    collect,
    commits_of,
    load_results,
    machine,
    read,
    read_texts,
    settings_of,
    write,
    write_cells,
)
from mla_core.results.folders import AGAIN, ANEW, is_finished, is_run, read_run_files
from mla_core.results.missing_curves import at_test_only, with_rates
from mla_core.results.names import by_rule, with_names
from mla_core.results.ranks import MeanRanks, mean_ranks
from mla_core.results.significance import (
    PairedDifference,
    detectable_difference,
    holm,
    mean_interval,
    paired_difference,
)
from mla_core.results.tables import Table, chosen_runs, table, to_markdown
from mla_core.results.verdict import (
    Measure,
    Verdict,
    compare,
    compare_all,
    measure_of,
    tally,
    together,
    what,
)

__all__ = [
    "AGAIN",
    "ANEW",
    "MeanRanks",
    "Measure",
    "PairedDifference",
    "Table",
    "Verdict",
    "ahead_of_all",
    "at_test_only",
    "by_rule",
    "check_csv",
    "choices_beside",
    "chosen_runs",
    "collect",
    "commits_of",
    "compare",
    "compare_all",
    "compare_variants",
    "compare_with",
    "comparisons_markdown",
    "detectable_difference",
    "holm",
    "is_finished",
    "is_run",
    "load_results",
    "machine",
    "mean_interval",
    "mean_ranks",
    "measure_of",
    "paired_difference",
    "read",
    "read_run_files",
    "read_texts",
    "settings_of",
    "stage_one",
    "stage_one_markdown",
    "table",
    "tally",
    "to_markdown",
    "together",
    "what",
    "with_names",
    "with_rates",
    "write",
    "write_cells",
]
