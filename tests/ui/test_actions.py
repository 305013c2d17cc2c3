"""Every action: declared once, reachable by a key that every terminal delivers, listed everywhere."""

from __future__ import annotations

from textual.binding import Binding

from tests.ui.conftest import MakeApp, ready, screen_text, type_text, until
from vlmtui.ui.actions import ACTIONS, bindings, key_name, key_names
from vlmtui.ui.app import VlmtuiApp
from vlmtui.ui.batches.view import BatchView
from vlmtui.ui.monitor.run_view import RunView
from vlmtui.ui.monitor.runs_views import JobsView, RunsView
from vlmtui.ui.screens.help import help_text
from vlmtui.ui.screens.workbench import Workbench
from vlmtui.ui.widgets.chat import Chat
from vlmtui.ui.widgets.dataset_view import DatasetView
from vlmtui.ui.widgets.explorer import Explorer
from vlmtui.ui.widgets.key_bar import hints
from vlmtui.ui.widgets.models_view import ModelsView
from vlmtui.ui.widgets.output_log import OutputLog
from vlmtui.ui.widgets.preview import Preview
from vlmtui.ui.widgets.problems_list import ProblemsList
from vlmtui.ui.widgets.prompt import Prompt
from vlmtui.ui.widgets.search_view import SearchView
from vlmtui.ui.widgets.video_view import VideoView

_OWNERS = {"app": VlmtuiApp, "workbench": Workbench, "explorer": Explorer, "chat": Chat}
_OWNERS |= {"preview": Preview, "dataset": DatasetView, "video": VideoView}
_OWNERS |= {"problems": ProblemsList, "output": OutputLog, "batch": BatchView, "search": SearchView}
_OWNERS |= {"models": ModelsView}
_OWNERS |= {"training": RunsView, "jobs": JobsView, "run": RunView}
_LOST_IN_SOME_TERMINAL = {"ctrl+enter", "shift+enter", "alt+enter", "ctrl+i", "ctrl+m", "ctrl+h", "ctrl+comma"}


def test_ids_are_unique() -> None:
    assert len({action.id for action in ACTIONS}) == len(ACTIONS)


def test_the_first_key_arrives_in_every_terminal() -> None:
    for action in (action for action in ACTIONS if action.keys):
        key = action.keys[0]
        assert key not in _LOST_IN_SOME_TERMINAL, action.id
        assert not key.startswith(("ctrl+shift+", "alt+", "super+")), action.id
        assert key not in {"f10", "f11"}, f"{action.id}: many terminals keep {key}"


def test_no_two_actions_share_a_key_where_both_can_be_reached() -> None:
    for part in ("explorer", "search", "preview", "dataset", "video", "chat", "problems", "output", "batch", "models"):
        seen: dict[str, str] = {}
        for action in ACTIONS:
            if action.scope in ("app", "workbench", part):
                for key in action.keys:
                    assert key not in seen, f"{action.id} and {seen.get(key)} share {key}"
                    seen[key] = action.id


def test_no_two_actions_of_the_trainings_share_a_key() -> None:
    for part in ("training", "jobs", "run"):
        keys = [key for action in ACTIONS if action.scope in ("app", "workbench", part) for key in action.keys]
        assert len(keys) == len(set(keys)), part


def test_every_handler_exists() -> None:
    for action in ACTIONS:
        owner = Prompt if action.inside else _OWNERS[action.scope]
        assert hasattr(owner, f"action_{action.handler.split('(')[0]}"), action.id


def test_a_text_input_binds_the_keys_that_the_table_shows() -> None:
    bound = {
        binding.id: set(binding.key.split(","))
        for owner in (Chat, Prompt)
        for binding in owner.BINDINGS
        if isinstance(binding, Binding)
    }
    own = [action for action in ACTIONS if action.own_keys and action.id in bound]
    assert {"chat.send", "chat.newline", "chat.retry", "chat.end"} <= {action.id for action in own}
    for action in own:
        assert action.keys[0] in bound[action.id], action.id


def test_bindings_carry_the_action_ids_for_the_key_map() -> None:
    ids = {binding.id for scope in _OWNERS if scope != "chat" for binding in bindings(scope)}
    assert ids == {action.id for action in ACTIONS if action.keys and not action.own_keys}


def test_help_lists_every_action_with_its_key() -> None:
    text = help_text().at(80).plain
    for action in ACTIONS:
        assert action.title in text
        assert action.help in text
        assert len(action.help) <= 64, f"{action.id}: the help screen has room for 64 characters"
        assert not action.keys or key_name(action.keys[0]) in text


def test_key_names_are_as_people_write_them() -> None:
    assert key_name("ctrl+shift+p") == "Ctrl+Shift+P"
    assert key_name("question_mark") == "?"
    assert key_name("shift+f6") == "Shift+F6"
    assert key_name("a") == "a"
    previous = next(action for action in ACTIONS if action.id == "view.previous_part")
    assert key_names(previous) == "Shift+F6"


def test_the_footer_shows_the_focused_parts_keys_first() -> None:
    assert hints("explorer", busy=False)[0].action == "explorer.open"
    assert hints("chat", busy=False)[0].action == "chat.send"
    assert hints("chat", busy=True)[0].action == "chat.stop"
    assert "chat.stop" not in {hint.action for hint in hints("chat", busy=False)}
    assert "app.help" not in {hint.action for hint in hints("chat", busy=False)}


async def test_the_palette_lists_every_action_with_its_key(make_shell: MakeApp) -> None:
    async with make_shell().run_test(size=(100, 60)) as pilot:
        await ready(pilot)
        await pilot.press("f1")
        await until(pilot, lambda: ACTIONS[0].title in screen_text(pilot))
        from textual.widgets import OptionList

        options = pilot.app.screen.query_one(OptionList)
        await until(pilot, lambda: options.option_count == len(ACTIONS))
        shown = "\n".join(str(options.get_option_at_index(i).prompt) for i in range(len(ACTIONS)))
        for action in ACTIONS:
            assert action.title in shown
            assert not action.keys or key_name(action.keys[0]) in shown


async def test_a_command_chosen_in_the_palette_runs(make_shell: MakeApp) -> None:
    async with make_shell().run_test(size=(100, 30)) as pilot:
        app = await ready(pilot)
        await pilot.press("f1")
        await until(pilot, lambda: app.screen is not app.workbench)
        await type_text(pilot, "hide the side bar")
        await until(pilot, lambda: "Show or hide the side bar" in screen_text(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is app.workbench and not app.workbench.kept_layout.has("side"))


async def test_the_command_that_is_named_in_full_comes_first(make_shell: MakeApp) -> None:
    async with make_shell().run_test(size=(100, 30)) as pilot:
        app = await ready(pilot)
        await pilot.press("f1")
        await until(pilot, lambda: app.screen is not app.workbench)
        await type_text(pilot, "settings")
        await until(pilot, lambda: "changed in place" in screen_text(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: app.screen.id == "settings")


async def test_a_click_in_the_footer_runs_the_action(make_shell: MakeApp) -> None:
    async with make_shell().run_test(size=(120, 30)) as pilot:
        app = await ready(pilot)
        line = screen_text(pilot).splitlines()[-2]
        await pilot.click("KeyBar", offset=(line.index("Model"), 0))
        await until(pilot, lambda: app.screen.id == "model-picker")


async def test_help_opens_and_closes(make_shell: MakeApp) -> None:
    async with make_shell().run_test(size=(100, 40)) as pilot:
        app = await ready(pilot)
        await pilot.press("question_mark")
        await until(pilot, lambda: "Show all commands" in screen_text(pilot))
        await pilot.press("end")
        last = help_text().at(80).plain.rstrip().splitlines()[-1].strip()
        await until(pilot, lambda: last in screen_text(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.workbench)
