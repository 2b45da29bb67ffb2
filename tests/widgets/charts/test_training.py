import numpy as np
import pytest

import mla_core as mla
from widgets.charts import comparison_figure, curves, map_figure, marks_html, run_of
from widgets.charts import training as charts
from widgets.charts.map_state import MapState
from widgets.charts.panels import PANELS, places


def traces(figure):
    return {trace.meta: trace for trace in figure.data}


def test_an_untrained_session_shows_its_first_look_and_no_loss(session):
    figure = charts.training_figure(list(session.data.modalities), "mla")
    charts.refresh(figure, run_of(session))
    shown = traces(figure)
    assert len(shown["loss.m0"].x) == 0
    assert list(shown["accuracy.fused"].x) == [0]


def test_curves_hold_every_record_under_its_own_modality(session):
    records = session.advance()
    shown = curves.curves(session.history)
    for name in session.data.modalities:
        own = [record for record in records if record.modality == name]
        assert shown[f"loss.{name}"]["y"].tolist() == [record.loss for record in own]
        assert shown[f"loss.{name}"]["x"].tolist() == [record.step + 1 for record in own]
    looks = session.history.summaries
    assert shown["accuracy.fused"]["y"].tolist() == [look.accuracy for look in looks]
    assert shown["gap.m0|m2"]["y"].tolist() == [look.centroid_gap["m0|m2"] for look in looks]


def test_forgetting_is_summed_over_the_sub_steps(session):
    records = session.advance()
    total = sum(record.forgetting.get("m1", 0.0) for record in records)
    assert curves.curves(session.history)["forgetting.m1"]["y"][-1] == pytest.approx(total)


def test_the_band_encloses_the_median(session):
    session.advance()
    shown = curves.curves(session.history)
    n = len(session.history.summaries)
    high, low = shown["band.m0"]["y"][:n], shown["band.m0"]["y"][n:][::-1]
    assert (low <= shown["weight.m0"]["y"]).all()
    assert (shown["weight.m0"]["y"] <= high).all()


def test_a_reset_empties_the_curves(session):
    figure = charts.training_figure(list(session.data.modalities), "mla")
    session.advance(steps=9)
    charts.refresh(figure, run_of(session))
    assert len(traces(figure)["loss.m0"].x) == 3
    charts.refresh(figure, run_of(mla.TrainingSession(session.config, session.data)))
    assert len(traces(figure)["loss.m0"].x) == 0


def test_the_map_puts_every_point_where_its_sample_is(session):
    evaluation = session.history.latest
    view = MapState().pca(evaluation)
    figure = map_figure(evaluation, view)
    n = len(evaluation.ids)
    for m, name in enumerate(evaluation.modalities):
        trace = traces(figure)[f"map.{name}"]
        assert np.array_equal(trace.x, view.coords[m * n : (m + 1) * n, 0])
        assert list(trace.text) == list(evaluation.ids)
        assert list(trace.customdata) == list(range(n))


def test_what_a_person_changed_is_marked_on_every_curve_with_its_name(session):
    session.advance(steps=4)
    session.reconfigure(alpha=0.01)
    session.advance(steps=4)
    figure = charts.training_figure(list(session.data.modalities), "mla")
    charts.refresh(figure, run_of(session))
    for panel in PANELS:
        marks = traces(figure)[f"marks.{panel}"]
        assert list(marks.x) == [4, 4], panel
        assert list(marks.text) == ["", "①"]
        assert set(marks.hovertext) == {"alpha 0.1 → 0.01"}
    assert "① sub-step 4: alpha 0.1 → 0.01" in marks_html(run_of(session).marks)


def notes(figure):
    titles = {title for *_, title in places(branch=False, numbers=False).values()}
    return [note.text for note in figure.layout.annotations if note.text not in titles]


def test_a_panel_without_a_curve_has_no_axes_but_says_why(session):
    figure = charts.training_figure(list(session.data.modalities), "mla")
    charts.refresh(figure, run_of(session))
    assert notes(figure) == ["Nothing trained yet."] * 3
    assert [axis.visible for axis in figure.select_xaxes()] == [
        False,
        True,
        True,
        False,
        False,
        True,
    ]
    session.advance(steps=6)
    charts.refresh(figure, run_of(session))
    assert notes(figure) == []
    assert all(axis.visible for axis in figure.select_xaxes())


@pytest.mark.parametrize(
    ("method", "empty"),
    [
        ("concat", {"weights": "head fuses by itself", "plasticity": "", "forgetting": "at once"}),
        ("ensemble", {"plasticity": "Nothing is projected", "forgetting": "its own head"}),
    ],
)
def test_a_panel_that_means_nothing_for_a_method_says_so(method, empty, session):
    other = mla.TrainingSession(session.config.replace(method=method), session.data)
    other.advance(steps=6)
    figure = charts.training_figure(list(other.data.modalities), method)
    charts.refresh(figure, run_of(other))
    told = notes(figure)
    assert len(told) == len(empty)
    for reason in empty.values():
        assert any(reason in note for note in told), reason


def test_many_gaps_are_told_by_each_modality():
    options = {"modalities": 6, "sizes": [60, 30, 30]}
    config = mla.ExperimentConfig(dataset="gaussian", dataset_options=options)
    session = mla.TrainingSession(config)
    figure = charts.training_figure(list(session.data.modalities), "mla")
    charts.refresh(figure, run_of(session))
    shown = traces(figure)
    gaps = session.history.summaries[0].centroid_gap
    assert not any(key.startswith("gap.") for key in shown)
    for name in session.data.modalities:
        own = [gap for pair, gap in gaps.items() if name in pair.split("|")]
        assert shown[f"apart.{name}"].y[0] == pytest.approx(sum(own) / 5)


def test_thinning_keeps_every_spike_and_the_limit():
    rng = np.random.default_rng(0)
    x = np.arange(50_000.0)
    y = rng.normal(size=50_000)
    y[[123, 40_000]] = 99, -99
    kept_x, kept_y = curves.thin(x, y)
    assert len(kept_x) <= curves.MAX_POINTS
    assert {123.0, 40_000.0} <= set(kept_x)
    assert (np.diff(kept_x) > 0).all()
    assert np.array_equal(kept_y, y[kept_x.astype(int)])


def test_a_joint_method_has_one_loss_curve(session):
    joint = mla.TrainingSession(session.config.replace(method="concat"), session.data)
    joint.advance(epochs=1)
    figure = charts.training_figure(list(joint.data.modalities), "concat")
    charts.refresh(figure, run_of(joint))
    assert len(traces(figure)["loss.all"].x) == joint.step


def test_names_from_outside_never_act_as_markup(session):
    evaluation = session.evaluate("val")
    figure = comparison_figure({"<a href='http://x'>": evaluation})
    assert figure.data[0].name == "&lt;a href=&#x27;http://x&#x27;&gt;"


def test_the_axes_of_a_map_grow_at_once_and_shrink_slowly():
    maps = MapState()
    square = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]])
    small = maps.keep("umap", square, "").half_width
    large = maps.keep("umap", 10 * square, "").half_width
    after = maps.keep("umap", square, "").half_width
    assert large == pytest.approx(10 * small)
    assert 0.9 * large < after < large
