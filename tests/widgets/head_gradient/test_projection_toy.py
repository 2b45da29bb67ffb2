"""The toy's numbers against vector algebra, and its limits."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mla_core import ConfigError
from widgets import ProjectionToy, projection_toy
from widgets.head_gradient.projection_toy import project, toy_figure
from widgets.page.page import asset

COORDINATE = st.floats(-2, 2).map(lambda x: round(x, 2))
VECTOR = st.tuples(COORDINATE, COORDINATE).filter(lambda v: math.hypot(*v) > 0.1)


@settings(max_examples=50, deadline=None)
@given(h=VECTOR, g=VECTOR, alpha=st.floats(1e-3, 10))
def test_along_h_it_shrinks_and_across_it_passes(h, g, alpha):
    found = project(h, g, alpha)
    h, g, p = np.array(h), np.array(g), np.array(found.vector)
    along, across = h / np.linalg.norm(h), np.array([-h[1], h[0]]) / np.linalg.norm(h)
    assert found.least == pytest.approx(alpha / (alpha + h @ h))
    assert p @ across == pytest.approx(g @ across, abs=1e-9)
    assert p @ along == pytest.approx(found.least * (g @ along), abs=1e-9)
    assert found.before - 1e-4 <= found.after <= 90


def test_the_picture_tells_its_numbers():
    figure = toy_figure((1.0, 0.0), (1.0, 1.0), 0.5)
    assert "eigenvalue 0.333 along h" in figure.layout.meta
    assert "45.0°" in figure.layout.meta
    assert f"{math.degrees(math.atan2(1, 1 / 3)):.1f}°" in figure.layout.meta
    ends = {trace.name[:14]: (trace.x[1], trace.y[1]) for trace in figure.data[2:]}
    assert ends["projected grad"] == pytest.approx((1 / 3, 1))


@pytest.mark.parametrize(("h", "g"), [((0.0, 0.0), (1.0, 1.0)), ((1.0, 0.0), (0.0, 0.0))])
def test_what_has_no_direction_has_no_angle(h, g):
    figure = toy_figure(h, g, 0.5)
    assert "nan" not in str(figure.to_dict())
    assert "no angle to h" in figure.data[3].name
    if not any(h):
        assert "h is 0 and has no direction" in figure.layout.meta
        assert list(figure.data[4].x) == pytest.approx([0, 1])  # P is the identity


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"h": (3.0, 0.0)}, "h must be two numbers from -2 to 2"),
        ({"g": (1.0,)}, "g must be two numbers"),
        ({"g": (math.nan, 0.0)}, "g must be two numbers"),
        ({"alpha": 0.0}, "alpha must be a number from 0.001 to 10, not 0.0"),
        ({"alpha": math.inf}, "alpha must be a number"),
    ],
)
def test_bad_numbers_are_named(wrong, named):
    with pytest.raises(ConfigError, match=named):
        ProjectionToy(**wrong)
    with pytest.raises(ConfigError, match=named):
        projection_toy(**wrong, headless=True)


def test_its_script_is_small_and_needs_no_network():
    script = asset("head_gradient/projection_toy.js")
    assert len(script) < 15_000
    assert "innerHTML" not in script
    assert script.count("http") == 1, "the name of SVG's space, and no address"
