"""The explorer of the head gradient modification."""

from widgets.head_gradient.explorer import explore_head_gradient
from widgets.head_gradient.projection_toy import ProjectionToy, projection_toy

__all__ = [
    "ProjectionToy",
    "explore_head_gradient",
    "projection_toy",
]
