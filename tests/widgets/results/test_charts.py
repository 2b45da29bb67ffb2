import json
from itertools import product

import numpy as np
import pandas as pd
import pytest
from plotly.subplots import make_subplots
from scipy import stats

import mla_core as mla
from mla_core.results.verdict import Verdict, compare_all
from widgets.page import colour, static_figure
from widgets.results import charts, parts
from widgets.results.curves import missing_plot, subset_plot

EVIL = "<img src=x onerror=alert(1)>"
SEEDS = 5


@pytest.fixture
def frame():
    """Three methods on two data sets, both modalities, and the modalities trained alone."""
    draw = np.random.default_rng(0).uniform
    rows = []
    for condition, label, seed in product(("emoji", "digits"), ("mla", "sum", "qmf"), range(SEEDS)):
        row = {"label": label, "condition": condition, "seed": seed}
        row |= {f"test.unimodal_accuracy.{m}": draw(0.3, 0.8) for m in ("text", "image")}
        row |= {f"test.probe_accuracy.{m}": draw(0.3, 0.8) for m in ("text", "image")}
        row |= {f"test.subset_accuracy.{s}": draw() for s in ("image", "text", "image+text")}
        row |= {"test.centroid_gap.image|text": draw(0.5, 1.5)}
        rows.append(row | {"test.accuracy": draw(0.5, 0.9), "plasticity": draw()})
    for condition, m, seed in product(("emoji", "digits"), ("text", "image"), range(SEEDS)):
        row = {"label": f"unimodal ({m})", "condition": condition, "seed": seed}
        rows.append(row | {"test.accuracy": draw(0.5, 0.6)})
    return pd.DataFrame(rows)


def values(frame, label, column, condition="emoji"):
    rows = frame[(frame["label"] == label) & (frame["condition"] == condition)]
    return rows[column].to_numpy()


def interval(numbers):
    spread = stats.t.interval(
        0.95, len(numbers) - 1, loc=np.mean(numbers), scale=stats.sem(numbers)
    )
    return np.mean(numbers), (spread[1] - spread[0]) / 2


def means(figure, column, panel=""):
    """The traces of means of one column, by panel."""
    return [t for t in figure.data if t.meta == column and t.xaxis == f"x{panel}"]


def by_row(figure, trace):
    ticks = dict(zip(figure.layout.yaxis.tickvals, figure.layout.yaxis.ticktext, strict=True))
    halves = trace.error_x.array
    rows = zip(trace.x, trace.y, halves, strict=True)
    return {ticks[round(y)]: (x, half) for x, y, half in rows}


@pytest.mark.parametrize(("panel", "condition"), [("", "emoji"), ("2", "digits")])
@pytest.mark.parametrize("column", ["test.accuracy", "test.unimodal_accuracy.text"])
def test_dots_are_the_means_with_students_intervals(frame, panel, condition, column):
    figure = charts.dot_plot(frame)
    (trace,) = means(figure, column, panel)
    shown = by_row(figure, trace)
    assert set(shown) == {"mla", "sum", "qmf"}
    for label, (x, half) in shown.items():
        mean, expected = interval(values(frame, label, column, condition))
        assert (x, half) == pytest.approx((100 * mean, 100 * expected))


def test_rows_are_sorted_by_fused_accuracy(frame):
    order = frame[~frame["label"].str.startswith("unimodal")].groupby("label")["test.accuracy"]
    expected = order.mean().sort_values().index.tolist()
    assert list(charts.dot_plot(frame).layout.yaxis.ticktext) == expected


def test_every_seed_is_a_faint_point(frame):
    faint = [t for t in charts.dot_plot(frame).data if t.marker.opacity and t.xaxis == "x"]
    expected = 100 * frame[frame["condition"] == "emoji"]["test.accuracy"][: 3 * SEEDS]
    assert sorted(faint[0].x) == pytest.approx(sorted(expected))


def test_a_tick_marks_what_the_modality_does_alone(frame):
    figure = charts.dot_plot(frame)
    ticks = [t for t in figure.data if t.marker.symbol == "line-ns-open" and t.x[0] is not None]
    alone = [
        100 * values(frame, f"unimodal ({m})", "test.accuracy").mean() for m in ("image", "text")
    ]
    assert [t.x[0] for t in ticks if t.xaxis == "x"] == pytest.approx(alone)
    assert "trained alone" in ticks[0].hovertemplate
    assert "unimodal" not in json.dumps(figure.layout.yaxis.ticktext)


def test_hover_tells_mean_interval_and_seeds(frame):
    (trace,) = means(charts.dot_plot(frame), "test.accuracy")
    mean, half = interval(values(frame, "mla", "test.accuracy"))
    expected = f"mla, fused, emoji:<br>{100 * mean:.1f} ± {100 * half:.1f} (95 % interval, 5 seeds)"
    assert expected in trace.text


def test_one_seed_has_no_interval(frame):
    figure = charts.dot_plot(frame[frame["seed"] == 0])
    (trace,) = means(figure, "test.accuracy")
    assert set(trace.error_x.array) == {0.0}
    assert "(95 % interval, 1 seed)" in trace.text[0]
    assert "±" not in trace.text[0]


def test_a_modality_that_some_data_lack_is_in_the_legend_once(frame):
    frame.loc[frame["condition"] == "emoji", "test.unimodal_accuracy.image"] = np.nan
    figure = charts.dot_plot(frame)
    named = [t.name for t in figure.data if t.showlegend is not False]
    assert sorted(named) == sorted(
        [
            "fused",
            "image",
            "text",
            "open: linear probe on its features",
            "modality trained alone",
        ]
    )


def test_many_controls_are_not_all_named_below_the_picture():
    pairs = [
        Verdict(f"a{i}", f"b{i}", "emoji", "test.accuracy", 0.1, 0.2, 0.3, 0.3, 5) for i in range(4)
    ]
    few, many = (charts.difference_plot(pairs[:n]) for n in (3, 4))
    assert few.layout.xaxis.title.text == "accuracy minus that of b0 and b1 and b2 (points)"
    assert many.layout.xaxis.title.text == "accuracy minus that of the control of each (points)"
    assert many.layout.meta.startswith("Differences to the control of each: 4 no difference")


def test_a_hole_in_the_numbers_is_refused_rather_than_averaged_over(frame):
    frame.loc[0, "test.accuracy"] = np.nan
    with pytest.raises(mla.ConfigError, match=r"mla has no test.accuracy for the seeds 0$"):
        charts.dot_plot(frame)
    with pytest.raises(mla.ConfigError, match="mla has several runs of one seed"):
        parts.cells(pd.concat([frame, frame]).dropna(subset="plasticity"), "plasticity")


def test_the_gap_is_shown_for_every_pair_in_the_datas_order(frame):
    figure = charts.gap_plot(frame)
    (trace,) = means(figure, "test.centroid_gap.image|text")
    x, half = by_row(figure, trace)["qmf"]
    expected = interval(values(frame, "qmf", "test.centroid_gap.image|text"))
    assert (x, half) == pytest.approx(expected)
    assert parts.modality_names(frame) == ["image", "text"]


def test_differences_show_what_the_verdicts_say(frame):
    frame.loc[frame["label"] == "sum", "test.accuracy"] -= 3
    verdicts = compare_all(frame, ["mla", "sum"], "qmf")
    figure = charts.difference_plot(verdicts)
    shown = [t for t in figure.data if t.hovertemplate]
    assert [t.x[0] for t in shown] == pytest.approx([100 * v.mean for v in verdicts])
    assert [t.error_x.array[0] for t in shown] == pytest.approx([100 * v.half for v in verdicts])
    assert [t.name for t in shown] == [v.kind for v in verdicts]
    sums = [t for t, v in zip(shown, verdicts, strict=True) if v.a == "sum"]
    assert {t.name for t in sums} == {"worse"}
    assert {t.marker.symbol for t in sums} == {"triangle-left"}
    assert figure.layout.meta.endswith("2 worse, 2 no difference.")
    assert len({t.marker.symbol for t in shown}) > 1, "kinds differ in shape, not in colour alone"


def test_differences_can_have_conditions_as_rows(frame):
    figure = charts.difference_plot(compare_all(frame, ["mla", "sum"], "qmf"), rows="where")
    assert list(figure.layout.yaxis.ticktext) == ["digits", "emoji"]
    said = [a.text for a in figure.layout.annotations]
    assert said == ["mla", "sum", "accuracy minus that of qmf (points)"]


def test_every_kind_of_verdict_has_a_mark():
    kinds = {"better", "worse", "higher", "lower", "unclear", "no difference", "same", "anecdote"}
    assert set(charts.KINDS) == kinds


def test_the_heat_map_tells_mean_and_interval(frame):
    cells = frame.assign(variant=frame["label"], rule="entropy")
    figure = charts.heat_map(cells[~cells["label"].str.startswith("unimodal")])
    trace = figure.data[0]
    row = list(trace.y).index("mla")
    mean, half = interval(values(frame, "mla", "test.accuracy"))
    assert trace.z[row][0] == pytest.approx(100 * mean)
    assert trace.customdata[row][0] == f"{100 * mean:.1f} ± {100 * half:.1f}"
    assert "on emoji the highest is" in figure.layout.meta


def curve(frame):
    frame = frame[(frame["condition"] == "emoji") & ~frame["label"].str.startswith("unimodal")]
    return pd.concat([frame.assign(rate=0.0), frame.assign(rate=0.5)])


def test_curves_have_bands_of_the_interval_and_stay_under_the_ceiling(frame):
    figure = missing_plot(curve(frame), modalities=2)
    (line,) = [t for t in figure.data if t.name == "sum" and t.mode == "lines+markers"]
    (band,) = [t for t in figure.data if t.name == "sum" and t.fill == "toself"]
    mean, half = interval(values(frame, "sum", "test.accuracy"))
    assert list(line.x) == [0, 50]
    assert list(line.y) == pytest.approx([100 * mean] * 2)
    assert (band.y[0], band.y[-1]) == pytest.approx((100 * (mean + half), 100 * (mean - half)))
    (ceiling,) = [t for t in figure.data if t.meta == "ceiling"]
    assert (ceiling.y[0], ceiling.y[-1]) == pytest.approx((100, 75))
    assert ceiling.line.dash == "dot"


def test_a_method_looks_the_same_in_every_figure_of_curves(frame):
    every = missing_plot(curve(frame))
    some = missing_plot(curve(frame[frame["label"] != "mla"]))
    looks = [
        next(t.line.color for t in figure.data if t.name == "qmf" and t.mode == "lines+markers")
        for figure in (every, some)
    ]
    assert looks[0] == looks[1]


def test_bars_for_every_subset_from_small_to_large(frame):
    figure = subset_plot(curve(frame)[curve(frame)["rate"] == 0])
    bar = next(t for t in figure.data if t.name == "mla")
    assert list(bar.x) == ["image", "text", "image +<br>text"]
    mean, half = interval(values(frame, "mla", "test.subset_accuracy.image+text"))
    assert (bar.y[2], bar.error_y.array[2]) == pytest.approx((100 * mean, 100 * half))
    assert len({t.marker.pattern.shape for t in figure.data}) == 3


def all_figures(frame):
    plain = frame[~frame["label"].str.startswith("unimodal")]
    verdicts = compare_all(plain, [frame["label"].iloc[0]], "qmf")
    here = plain[plain["condition"] == plain["condition"].iloc[0]]
    return [
        charts.dot_plot(frame),
        charts.dot_plot(plain, {EVIL: "plasticity"}, axis=EVIL),
        charts.gap_plot(frame),
        charts.difference_plot(verdicts),
        charts.difference_plot(verdicts, rows="where", axis=EVIL),
        charts.heat_map(plain.assign(variant=plain["label"], rule=EVIL)),
        missing_plot(here.assign(rate=0.5), {EVIL: "test.accuracy"}, axis=EVIL, modalities=2),
        subset_plot(here),
    ]


def test_names_never_act_as_markup(frame):
    evil = frame.replace({"mla": EVIL, "emoji": EVIL})
    evil.columns = [c.replace("text", EVIL) for c in evil.columns]
    evil["label"] = evil["label"].str.replace("(text)", f"({EVIL})")
    for figure in all_figures(evil):
        shown = figure.to_plotly_json()
        shown["layout"].pop("meta")
        for trace in shown["data"]:
            trace.pop("meta", None)
            trace.pop("legendgroup", None)  # not shown
        assert "<img" not in json.dumps(shown, default=str)


def test_figures_say_in_words_what_they_show(frame, monkeypatch):
    displayed = []
    monkeypatch.setattr(charts, "display", displayed.append)
    monkeypatch.setattr(static_figure, "display", lambda shown, **_: displayed.append(shown))
    for figure in all_figures(frame.replace({"mla": EVIL})):
        assert figure.layout.meta.endswith(".")
        static_figure.present(figure)
        assert "<img" not in displayed[-1].data
    charts.tell(f"{EVIL} is better.")
    assert displayed[-1].data == "<ul><li>&lt;img src=x onerror=alert(1)&gt; is better.</li></ul>"


def test_what_matters_is_told_and_the_rest_folded(monkeypatch):
    displayed = []
    monkeypatch.setattr(charts, "display", displayed.append)
    charts.tell("First.", more=["Second.", EVIL])
    told, rest = displayed[0].data.split("<details>")
    assert "First." in told
    assert "2 sentences more" in rest
    assert "Second." in rest
    assert "<img" not in rest


def test_modalities_look_alike_in_every_figure_whatever_data_sets_it_shows():
    pairs = ("image|text", "mor|pix", "image|audio", "audio|text")  # of three data sets
    names = ("text", "mor", "image", "pix", "audio")
    columns = [f"test.unimodal_accuracy.{name}" for name in names]
    columns += [f"test.centroid_gap.{pair}" for pair in pairs]
    assert parts.modality_names(pd.DataFrame(columns=columns)) == [
        "image", "audio", "text", "mor", "pix",
    ]  # fmt: skip


def test_only_modalities_have_their_colours(frame):
    own = {colour(m) for m in range(6)}
    plain = frame[~frame["label"].str.startswith("unimodal")]
    here = plain[plain["condition"] == "emoji"]
    lines = missing_plot(here.assign(rate=0.5)).data
    assert not own & {trace.line.color for trace in lines}
    assert not own & {bar.marker.color for bar in subset_plot(here).data}
    assert not own & {t.marker.color for t in charts.dot_plot(plain, {"p": "plasticity"}).data}
    differences = charts.difference_plot(compare_all(plain, ["mla", "sum"], "qmf"))
    assert not own & {trace.marker.color for trace in differences.data}
    (pair,) = means(charts.gap_plot(plain), "test.centroid_gap.image|text")
    assert (pair.marker.color, pair.marker.line.color) == (colour(0), colour(1))


@pytest.mark.parametrize("rows", [["a"], ["a label of a row that needs much room, 300 samples"]])
def test_titles_of_panels_are_no_wider_than_their_panels(rows):
    titles = [f"gaussian, {n} modalities, noise 0.6" for n in range(5)]
    figure = parts.panels_of(titles, rows)
    left = 780 - 7 * min(len(rows[0]), 44)
    for note in figure.layout.annotations:
        assert all(8 * len(line) <= max(left / 5, 8 * 11) for line in note.text.split("<br>"))


def luminance(ink):
    channels = [int(ink[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("page", ["#ffffff", "#111111"])
def test_text_reads_on_light_and_dark_pages(frame, page):
    for figure in all_figures(frame):
        colours = {figure.layout.font.color, *(a.font.color for a in figure.layout.annotations)}
        for ink in colours:
            low, high = sorted((luminance(ink), luminance(page)))
            assert (high + 0.05) / (low + 0.05) > 4
        assert figure.layout.paper_bgcolor == "rgba(0,0,0,0)"


def test_an_anecdote_is_drawn_without_an_interval():
    nan = float("nan")
    one = Verdict("a", "b", "emoji", "test.accuracy", 0.1, nan, nan, nan, 1)
    figure = charts.difference_plot([one])
    assert figure.data[0].error_x.array[0] == 0.0
    assert figure.layout.meta == "Differences to b: 1 anecdote."


@pytest.mark.parametrize("panels", [1, 2, 3, 4])
def test_what_the_axes_show_is_said_once(panels):
    figure = make_subplots(rows=1, cols=panels)
    parts.title_axes(figure, "accuracy minus that of ensemble (points)")
    titles = [axis.title.text for axis in figure.select_xaxes()]
    titles += [note.text for note in figure.layout.annotations]
    assert [title for title in titles if title] == ["accuracy minus that of ensemble (points)"]
