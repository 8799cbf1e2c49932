"""Checks that tests of several figures make."""

from matplotlib.figure import Figure


def assert_legend_is_clear(figure: Figure) -> None:
    """The one legend lies within the figure and over none of its axes."""
    figure.draw_without_rendering()
    (legend,) = figure.legends
    extent = legend.get_window_extent()
    assert figure.bbox.x0 <= extent.x0 < extent.x1 <= figure.bbox.x1
    for axes in figure.axes:
        assert (box := axes.get_tightbbox()) is not None
        assert not box.overlaps(extent)
