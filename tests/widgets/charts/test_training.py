import numpy as np
import pytest

import mla_core as mla
from widgets.charts import curves
from widgets.charts import training as charts
from widgets.charts.map_state import MapState


def traces(figure):
    return {trace.meta: trace for trace in figure.data}


def test_an_untrained_session_shows_its_first_look_and_no_loss(session):
    figure = charts.training_figure(list(session.data.modalities), "mla")
    charts.refresh(figure, charts.Shown(session.history))
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
    charts.refresh(figure, charts.Shown(session.history))
    assert len(traces(figure)["loss.m0"].x) == 3
    charts.refresh(figure, charts.Shown(mla.TrainingSession(session.config, session.data).history))
    assert len(traces(figure)["loss.m0"].x) == 0


def test_the_map_puts_every_point_where_its_sample_is(session):
    figure = charts.training_figure(list(session.data.modalities), "mla")
    evaluation = session.history.latest
    view = MapState().pca(evaluation)
    charts.refresh(figure, charts.Shown(session.history, view))
    n = len(evaluation.ids)
    for m, name in enumerate(evaluation.modalities):
        trace = traces(figure)[f"map.{name}"]
        assert np.array_equal(trace.x, view.coords[m * n : (m + 1) * n, 0])
        assert list(trace.text) == list(evaluation.ids)
        assert list(trace.customdata) == list(range(n))


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
    charts.refresh(figure, charts.Shown(joint.history))
    assert len(traces(figure)["loss.all"].x) == joint.step


def test_names_from_outside_never_act_as_markup(session):
    evaluation = session.evaluate("val")
    figure = charts.comparison_figure({"<a href='http://x'>": evaluation})
    assert figure.data[0].name == "&lt;a href=&#x27;http://x&#x27;&gt;"


def test_the_axes_of_a_map_grow_at_once_and_shrink_slowly():
    maps = MapState()
    square = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]])
    small = maps.keep("umap", square, "").half_width
    large = maps.keep("umap", 10 * square, "").half_width
    after = maps.keep("umap", square, "").half_width
    assert large == pytest.approx(10 * small)
    assert 0.9 * large < after < large
