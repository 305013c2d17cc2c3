"""Actions of the runs: their list, a run's page, its curves."""

from __future__ import annotations

from vlmtui.ui.actions.action import Action

_CONTROLS = (
    ("stop", "Stop the run", "It writes a checkpoint and ends; again ends it at once.", "Stop"),
    ("resume", "Go on with the run", "From its last checkpoint.", "Resume"),
    ("clone", "Clone the run with changes", "Its recipe in the form; shows what differs.", "Clone"),
    ("rename", "Rename the run", "Its folder keeps its name.", ""),
    ("note", "Write a note about the run", "Any text; words with a # become its tags.", ""),
    ("archive", "Put the run away, or bring it back", "It is listed only when asked for.", ""),
    ("delete", "Delete the run", "Once confirmed; the result in its output_dir stays.", ""),
)
_LIST_KEYS = {
    "stop": ("s",), "resume": ("r",), "clone": ("C",), "rename": ("e",), "note": ("m",), "archive": ("z",),
    "delete": ("delete", "d"),
}  # fmt: skip
_PAGE_KEYS = {"stop": ("S",), "resume": ("R",), "clone": ("C",), "rename": ("E",), "note": ("M",)}

ACTIONS: tuple[Action, ...] = (
    Action("training.open", "Open the run", ("enter",), "training", "open", "In a tab.", label="Open", own_keys=True),
    Action(
        "training.overlay",
        "Lay its curves over the others",
        ("v", "space"),
        "training",
        "overlay",
        "In every plot, until taken off; marks it for a comparison, too.",
        label="Overlay",
    ),
    Action(
        "training.compare",
        "Compare the marked runs",
        ("c",),
        "training",
        "compare",
        "How their recipes differ, their metrics, and over their curves.",
        label="Compare",
    ),
    Action("training.filter", "Filter the runs", ("slash",), "training", "filter", "Name, tag, state.", label="Filter"),
    Action("training.archived", "Show the runs that were put away", ("A",), "training", "archived", "Or hide them."),
    *(
        Action(f"training.{name}", title, _LIST_KEYS[name], "training", name, help, label=label)
        for name, title, help, label in _CONTROLS
    ),
    Action("jobs.open", "Open the job", ("enter",), "jobs", "open", "In a tab.", label="Open", own_keys=True),
    Action("jobs.stop", "Stop the job", ("s",), "jobs", "stop", "It writes a checkpoint and ends.", label="Stop"),
    *(
        Action(f"run.{name}", title, (str(number),), "run", f"page('{name}')", help)
        for number, (name, title, help) in enumerate(
            (
                ("curves", "Show the run's curves", "All metrics, an evaluation's beside the training's."),
                ("state", "Show the run's state", "Evaluations, checkpoints, speeds, the computer."),
                ("answers", "Show the run's answers", "The same examples, answered at each evaluation."),
                ("log", "Show the run's log", "What the process has written; / searches in it."),
                ("recipe", "Show the run's recipe", "As it was written."),
                ("compare", "Show the run beside the marked ones", "What their recipes and metrics differ in."),
            ),
            start=1,
        )
    ),
    *(
        Action(f"run.{name}", title.replace("the run", "this run"), _PAGE_KEYS.get(name, ()), "run", name, help)
        for name, title, help, _ in _CONTROLS
    ),
    Action(
        "curves.next",
        "Next plot",
        ("n",),
        "run",
        "curves('choose', 1)",
        "Up and down go to the row above and below.",
    ),
    Action("curves.previous", "Previous plot", ("p",), "run", "curves('choose', -1)", "So do the arrow keys."),
    Action(
        "curves.large",
        "One plot in large, or all",
        ("enter",),
        "run",
        "curves('single')",
        "A double click does it, too.",
        label="Large",
    ),
    Action(
        "curves.smooth_more",
        "Smooth more",
        ("s",),
        "run",
        "curves('smooth', 1)",
        "TensorBoard's moving average; the raw curve stays behind it.",
        label="Smooth",
    ),
    Action("curves.smooth_less", "Smooth less", ("a",), "run", "curves('smooth', -1)", "Down to the raw curve alone."),
    Action(
        "curves.axis",
        "Over steps, epochs, tokens or time",
        ("x",),
        "run",
        "curves('axis')",
        "The next x axis that the run has.",
        label="X axis",
    ),
    Action(
        "curves.log_y", "Logarithmic y axis", ("g",), "run", "curves('log_y')", "On or off, for all plots.", label="Log"
    ),
    Action("curves.log_x", "Logarithmic x axis", ("G",), "run", "curves('log_x')", "On or off, for all plots."),
    Action("curves.outliers", "Without outliers", ("o",), "run", "curves('calm')", "They stretch the y axis no more."),
    Action(
        "curves.zoom_in",
        "Zoom into the curves",
        ("+", "plus", "equals_sign"),
        "run",
        "curves('zoom', 1)",
        "Around the crosshair; the mouse's wheel does it, too.",
        label="Zoom",
    ),
    Action(
        "curves.zoom_out", "Zoom out of the curves", ("-", "minus"), "run", "curves('zoom', -1)", "All plots together."
    ),
    Action(
        "curves.pan_right",
        "Further on",
        (">", "greater_than_sign", "full_stop"),
        "run",
        "curves('pan', 1)",
        "While zoomed in; dragging does it, too.",
    ),
    Action(
        "curves.pan_left",
        "Further back",
        ("<", "less_than_sign", "comma"),
        "run",
        "curves('pan', -1)",
        "While zoomed in.",
    ),
    Action("run.export", "Export the plot", ("w",), "run", "export", "As CSV with all points, as SVG or as PNG."),
    Action("curves.whole", "The whole axis", ("0",), "run", "curves('whole')", "Zoomed in no more."),
    Action(
        "curves.cross",
        "Read values off",
        ("left", "right"),
        "run",
        "curves('cross', -1)",
        "Moves a line through all plots, each with its value above.",
        own_keys=True,
    ),
)
