"""Problems outlive their toasts, and toasts do not pile up."""

from __future__ import annotations

from textual.widgets._toast import Toast

from tests.ui.conftest import MakeApp, until
from vlmtui.ui.problems import Problem, Problems


def test_a_problem_is_kept_once_and_cleared_by_source_and_path() -> None:
    changes: list[int] = []
    problems = Problems(lambda: changes.append(1))
    first = Problem(source="Data set", line="no\x1b]52;c;x\x07", path="/a", row=3)
    problems.add(first)
    problems.add(Problem(source="Data set", line="other", path="/b", severity="warning"))
    problems.add(first)
    assert [problem.path for problem in problems] == ["/b", "/a"]
    assert "\x1b" not in [*problems][-1].line
    assert problems.errors == 1
    problems.clear("Preview", "/a")
    assert len(problems) == 2
    problems.clear("Data set", "/a")
    assert [problem.path for problem in problems] == ["/b"]
    assert len(changes) == 4


def test_only_so_many_are_kept() -> None:
    problems = Problems()
    for row in range(2_500):
        problems.add(Problem(source="Data set", line="bad", path="/a", row=row))
    assert len(problems) == 2_000
    assert next(iter(problems)).row == 500


async def test_toasts_do_not_pile_up_and_what_they_said_is_kept(make_shell: MakeApp) -> None:
    app = make_shell()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await until(pilot, lambda: app.workbench.complete)
        for number in range(6):
            app.notify(f"[b]broken {number}", severity="warning", markup=False)
            app.notify("again", severity="error")
        await until(pilot, lambda: len(app.problems) == 7)
        app.notify("fine")

        def shown() -> list[str]:
            return [toast._notification.message for toast in app.screen.query(Toast)]

        await until(pilot, lambda: "fine" in shown() and len(shown()) <= 3)
        assert sorted(shown()) == ["[b]broken 5", "again", "fine"]
        lines = [problem.line for problem in app.problems]
        assert lines == [*(f"[b]broken {number}" for number in range(6)), "again"]
