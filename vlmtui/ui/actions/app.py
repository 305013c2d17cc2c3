"""Actions everywhere."""

from __future__ import annotations

from vlmtui.ui.actions.action import Action

ACTIONS: tuple[Action, ...] = (
    Action(
        "app.palette",
        "Show all commands",
        ("f1", "ctrl+shift+p", "ctrl+shift+P", "ctrl+P"),
        "app",
        "command_palette",
        "Find any command by its name, and see its key.",
        label="Commands",
        priority=True,
    ),
    Action(
        "app.quick_open",
        "Open a file by its name",
        ("ctrl+p",),
        "app",
        "quick_open",
        "Some letters of its path are enough; `>` goes to the commands.",
        label="Open file",
        priority=True,
    ),
    Action(
        "app.jump",
        "Jump: go to any place by one letter",
        ("ctrl+g",),
        "app",
        "jump",
        "Every place that takes the focus shows a letter.",
        priority=True,
    ),
    Action(
        "app.help",
        "Help: keys and commands",
        ("question_mark",),
        "app",
        "help",
        "Show every key. Where text is typed, press F6 before `?`.",
        label="Help",
    ),
    Action(
        "app.theme",
        "Change the colour theme",
        ("ctrl+t",),
        "app",
        "choose_theme",
        "Light and dark ones; the choice is remembered.",
        priority=True,
    ),
    Action(
        "app.settings",
        "Settings",
        (),
        "app",
        "settings",
        "Each with its help and where it comes from; changed in place.",
    ),
    Action(
        "app.open_folder",
        "Open another folder",
        ("ctrl+o",),
        "app",
        "open_folder",
        "One that was opened lately, or any by its path.",
        priority=True,
    ),
    Action(
        "app.quit",
        "Quit",
        ("ctrl+q",),
        "app",
        "quit",
        "Close the workbench. Ctrl+C twice does the same.",
        label="Quit",
        priority=True,
    ),
)
