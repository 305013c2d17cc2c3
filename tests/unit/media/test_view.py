"""What part of a picture is seen at which zoom."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vlmtui.media.protocol import View
from vlmtui.media.view import inside, panned, window, zoomed

_ROOM, _CELL = (80, 30), (10, 20)
_SIZE = st.tuples(st.integers(1, 9000), st.integers(1, 9000))
_VIEW = st.builds(View, zoom=st.floats(0.001, 100), x=st.floats(-1, 2), y=st.floats(-1, 2))


@given(size=_SIZE, view=_VIEW, form=st.sampled_from(["half-block", "kitty"]))
def test_a_window_lies_in_the_picture_and_in_the_room(size: tuple[int, int], view: View, form: str) -> None:
    seen = window(size, _ROOM, _CELL, form, view)  # type: ignore[arg-type]
    assert 0 <= seen.left < seen.right <= size[0] + 1e-6 and 0 <= seen.top < seen.bottom <= size[1] + 1e-6
    assert 1 <= seen.columns <= 80 and 1 <= seen.rows <= 30
    again = inside(size, _ROOM, _CELL, form, view)  # type: ignore[arg-type]
    kept = window(size, _ROOM, _CELL, form, again)  # type: ignore[arg-type]
    assert abs(kept.left - seen.left) < 1e-3 * size[0] and abs(kept.zoom - seen.zoom) < 1e-6 * max(1, seen.zoom)


def test_a_hundred_percent_is_a_dot_a_pixel() -> None:
    seen = window((4000, 3000), _ROOM, _CELL, "half-block", View(zoom=1.0))
    assert (seen.right - seen.left, seen.bottom - seen.top) == (80, 60) and not seen.whole
    seen = window((4000, 3000), _ROOM, _CELL, "kitty", View(zoom=1.0))
    assert (seen.right - seen.left, seen.bottom - seen.top) == (800, 600)


def test_what_is_under_the_pointer_stays_there() -> None:
    view = zoomed((4000, 3000), _ROOM, _CELL, "kitty", View(zoom=1.0), 2.0, at=(0.25, 0.75))
    before = window((4000, 3000), _ROOM, _CELL, "kitty", View(zoom=1.0))
    after = window((4000, 3000), _ROOM, _CELL, "kitty", view)
    for low, high, low2, high2, at in (
        (before.left, before.right, after.left, after.right, 0.25),
        (before.top, before.bottom, after.top, after.bottom, 0.75),
    ):
        assert abs(low + at * (high - low) - (low2 + at * (high2 - low2))) < 1e-6


def test_moving_ends_at_the_edge_and_comes_back_at_once() -> None:
    view = View(zoom=1.0)
    for _ in range(50):
        view = panned((4000, 3000), _ROOM, _CELL, "kitty", view, 0.25, 0)
    assert window((4000, 3000), _ROOM, _CELL, "kitty", view).right == 4000
    view = panned((4000, 3000), _ROOM, _CELL, "kitty", view, -0.25, 0)
    assert window((4000, 3000), _ROOM, _CELL, "kitty", view).right == 3800
