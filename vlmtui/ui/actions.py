"""Every action of the workbench, declared once.

The bindings of the app, the screens and the widgets, the footer, the command palette and the help screen are all made
from this table. Each action has one key that every terminal delivers (first in `keys`); others, where a terminal can
send them, follow it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding

Scope = Literal["app", "workbench", "explorer", "preview", "dataset", "video", "chat"]
"""Where an action's handler lives, and where its keys work. A part of the workbench has its scope as its id."""


@dataclass(frozen=True, slots=True)
class Action:
    """Something the user can do.

    Attributes:
        id: stable, for the key map: `part.verb`.
        title: as the palette and the help screen show it.
        keys: Textual's names of the keys; the first is the one that is shown.
        scope: where the handler lives and the keys work.
        handler: name of the handler, `action_<handler>` on the scope's app, screen or widget.
        help: one sentence.
        label: short, for the footer; empty to leave it out there.
        priority: the key works before the focused widget sees it.
        own_keys: the scope's widget binds the keys itself (text input); they are only shown from here.
        inside: type of the widget within the part that handles it, where that is not the part itself.
    """

    id: str
    title: str
    keys: tuple[str, ...]
    scope: Scope
    handler: str
    help: str
    label: str = ""
    priority: bool = False
    own_keys: bool = False
    inside: str = ""


ACTIONS: tuple[Action, ...] = (
    # ---- everywhere ----
    Action(
        "app.palette",
        "Show all commands",
        ("f1", "ctrl+p", "ctrl+shift+p", "ctrl+shift+P", "ctrl+P"),
        "app",
        "command_palette",
        "Find any command by its name, and see its key.",
        label="Commands",
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
        "app.quit",
        "Quit",
        ("ctrl+q",),
        "app",
        "quit",
        "Close the workbench. Ctrl+C twice does the same.",
        label="Quit",
        priority=True,
    ),
    # ---- the workbench ----
    Action(
        "model.choose",
        "Choose the model",
        ("f4",),
        "workbench",
        "choose_model",
        "The SmolVLM family, any hub id, or a local folder.",
        label="Model",
        priority=True,
    ),
    Action(
        "view.next_part",
        "Go to the next part",
        ("f6",),
        "workbench",
        "next_part",
        "Move between explorer, preview and chat.",
        label="Next part",
        priority=True,
    ),
    Action(
        "view.previous_part",
        "Go to the previous part",
        ("shift+f6", "f18"),
        "workbench",
        "previous_part",
        "Move between chat, preview and explorer.",
        priority=True,
    ),
    Action(
        "view.side_bar",
        "Show or hide the explorer",
        ("f9", "ctrl+b"),
        "workbench",
        "toggle_side_bar",
        "Give its room to the picture and the chat, or take it back.",
        label="Explorer",
        priority=True,
    ),
    Action(
        "chat.new",
        "New conversation",
        ("ctrl+n",),
        "workbench",
        "new_conversation",
        "Start over with an empty conversation.",
        label="New chat",
        priority=True,
    ),
    Action(
        "chat.stop",
        "Stop the answer",
        ("escape",),
        "workbench",
        "stop_answer",
        "The model stops within a token; what it has written stays.",
        label="Stop",
    ),
    Action(
        "model.full_resolution",
        "Pictures at full resolution: on or off",
        ("f7",),
        "workbench",
        "toggle_full_resolution",
        "Cut pictures into tiles: sees more, and takes longer on a CPU.",
        label="Full resolution",
        priority=True,
    ),
    # ---- explorer ----
    Action(
        "explorer.open",
        "Ask about the selected picture",
        ("enter",),
        "explorer",
        "open",
        "Attach it and go to the chat; on a folder, open or close it.",
        label="Ask about it",
    ),
    Action(
        "explorer.attach",
        "Attach the selected picture",
        ("a",),
        "explorer",
        "attach",
        "Attach it to the chat and stay here, to attach several.",
        label="Attach",
    ),
    Action(
        "explorer.hidden",
        "Show or hide hidden files",
        ("full_stop",),
        "explorer",
        "toggle_hidden",
        "Files whose name starts with a dot.",
        label="Hidden files",
    ),
    Action(
        "explorer.refresh",
        "Read the folders again",
        ("r",),
        "explorer",
        "refresh_folders",
        "Show what was added or removed; what is open stays open.",
        label="Refresh",
    ),
    # ---- preview ----
    Action(
        "preview.next",
        "Next picture",
        ("n", "pagedown"),
        "preview",
        "step(1)",
        "The next of the folder; so do the arrow keys, unless zoomed in.",
        label="Next",
    ),
    Action(
        "preview.previous",
        "Previous picture",
        ("p", "pageup"),
        "preview",
        "step(-1)",
        "The picture before, in the same folder.",
        label="Previous",
    ),
    Action(
        "preview.tiles",
        "As the model sees it: on or off",
        ("m",),
        "preview",
        "tiles",
        "The real tiles, each with its place and its image tokens.",
        label="Model's view",
    ),
    Action(
        "preview.zoom_in",
        "Zoom in",
        ("+", "equals_sign", "plus"),
        "preview",
        "zoom(1)",
        "Look closer. The mouse: the wheel zooms, dragging moves.",
        label="Zoom",
    ),
    Action(
        "preview.zoom_out",
        "Zoom out",
        ("-", "minus"),
        "preview",
        "zoom(-1)",
        "Look from further away.",
    ),
    Action(
        "preview.actual",
        "Zoom to 100 %",
        ("1",),
        "preview",
        "actual",
        "A pixel as one dot: half a cell, or a pixel of the terminal.",
    ),
    Action(
        "preview.fit",
        "Show the whole picture",
        ("f",),
        "preview",
        "fit",
        "As large as it fits.",
        label="Fit",
    ),
    Action(
        "preview.pan",
        "Move over the picture",
        ("left", "right", "up", "down", "h", "j", "k", "l"),
        "preview",
        "pan(1, 0)",
        "While a part of the picture is shown: see what lies beside it.",
        own_keys=True,
    ),
    Action(
        "preview.metadata",
        "Show or hide what is written in the file",
        ("i",),
        "preview",
        "metadata",
        "Camera, exposure, date, colour profile, dpi, frames, times.",
        label="Info",
    ),
    Action(
        "preview.play",
        "Play or pause an animation",
        ("space",),
        "preview",
        "play",
        "GIF, WebP, PNG, AVIF; rests while the terminal has no focus.",
        label="Play",
    ),
    # ---- data sets ----
    Action(
        "dataset.find",
        "Find a row",
        ("slash",),
        "dataset",
        "find",
        "The next row with a text, or with it in a column: `column:text`.",
        label="Find",
    ),
    Action(
        "dataset.filter",
        "Filter rows: show only those that match",
        ("ampersand",),
        "dataset",
        "filter",
        "Rows with a text, or `column:text`; an empty one shows all.",
        label="Filter",
    ),
    Action(
        "dataset.find_next",
        "Find the next row",
        ("n",),
        "dataset",
        "find_next",
        "Go on looking.",
    ),
    Action(
        "dataset.find_previous",
        "Find the row before",
        ("N",),
        "dataset",
        "find_previous",
        "Look backward.",
    ),
    Action(
        "dataset.go_to_row",
        "Go to a row by its number",
        ("colon",),
        "dataset",
        "go_to_row",
        "Also one that is still to be read.",
        label="Go to row",
    ),
    Action(
        "dataset.first_row",
        "Go to the first row",
        ("g", "home"),
        "dataset",
        "first_row",
        "The first row of the data set.",
    ),
    Action(
        "dataset.last_row",
        "Go to the last row",
        ("G", "end"),
        "dataset",
        "last_row",
        "The last row, when all of the file has been read.",
    ),
    Action(
        "dataset.other_side",
        "Go to the row, or back to the table",
        ("enter",),
        "dataset",
        "other_side",
        "Read its conversation; in a small window, in the table's place.",
        label="Read row",
    ),
    Action(
        "dataset.attach_picture",
        "Attach the row's picture",
        ("a",),
        "dataset",
        "attach_picture",
        "Attach it to the chat and stay here.",
        label="Attach",
    ),
    Action(
        "dataset.next_picture",
        "The row's next picture",
        ("right_square_bracket",),
        "dataset",
        "next_picture",
        "Where a row has more pictures than fit.",
    ),
    Action(
        "dataset.previous_picture",
        "The row's picture before",
        ("left_square_bracket",),
        "dataset",
        "previous_picture",
        "Where a row has more pictures than fit.",
    ),
    Action(
        "dataset.next_split",
        "Open the next split",
        ("s",),
        "dataset",
        "next_split",
        "From train to test and on, in a data set that has several.",
    ),
    # ---- video ----
    Action(
        "video.play",
        "Play or pause",
        ("space",),
        "video",
        "play",
        "As fast as the terminal keeps up with.",
        label="Play",
    ),
    Action(
        "video.on",
        "One second on",
        ("right",),
        "video",
        "skip(1)",
        "Shown as soon as it is decoded.",
    ),
    Action(
        "video.back",
        "One second back",
        ("left",),
        "video",
        "skip(-1)",
        "Shown as soon as it is decoded.",
    ),
    Action(
        "video.next_frame",
        "Next frame",
        ("full_stop",),
        "video",
        "step(1)",
        "Pauses, and goes one frame on.",
        label="Frame on",
    ),
    Action(
        "video.previous_frame",
        "Previous frame",
        ("comma",),
        "video",
        "step(-1)",
        "Pauses, and goes one frame back.",
        label="Frame back",
    ),
    Action(
        "video.start",
        "Start of the video",
        ("home",),
        "video",
        "go(0)",
        "Go to the first frame.",
    ),
    Action(
        "video.end",
        "End of the video",
        ("end",),
        "video",
        "go(1)",
        "Go to the last frame.",
    ),
    Action(
        "video.range_start",
        "Sample from here",
        ("left_square_bracket",),
        "video",
        "mark(False)",
        "The model is sent frames from this one on.",
        label="From here",
    ),
    Action(
        "video.range_end",
        "Sample up to here",
        ("right_square_bracket",),
        "video",
        "mark(True)",
        "The model is sent frames up to this one.",
        label="Up to here",
    ),
    Action(
        "video.clear_range",
        "Sample the whole video",
        ("c",),
        "video",
        "clear_range",
        "Forget the range that frames are chosen from.",
    ),
    Action(
        "video.switch",
        "Frames by number or by rate",
        ("m",),
        "video",
        "switch_sampling",
        "Evenly, as the course; or 1 fps, at most 64, as SmolVLM2.",
        label="Sampling",
    ),
    Action(
        "video.more",
        "Send more frames",
        ("plus", "+", "equals_sign"),
        "video",
        "more_frames",
        "Up to 64; the line below says what they cost.",
        label="More frames",
    ),
    Action(
        "video.fewer",
        "Send fewer frames",
        ("minus", "-"),
        "video",
        "fewer_frames",
        "Down to one.",
    ),
    Action(
        "video.strip_on",
        "Next page of the film strip",
        ("pagedown",),
        "video",
        "turn_strip(1)",
        "The frames that the model is sent, further on.",
    ),
    Action(
        "video.strip_back",
        "Previous page of the film strip",
        ("pageup",),
        "video",
        "turn_strip(-1)",
        "The frames that the model is sent, before these.",
    ),
    Action(
        "video.tenth",
        "Jump to a tenth of the video",
        ("1", "2", "3", "4", "5", "6", "7", "8", "9", "0"),
        "video",
        "tenth",
        "5 is the middle, 0 the start.",
        own_keys=True,
    ),
    # ---- chat ----
    Action(
        "chat.send",
        "Send the question",
        ("enter",),
        "chat",
        "send",
        "Ask the model, about the attached pictures or the ones before.",
        label="Send",
        own_keys=True,
        inside="Prompt",
    ),
    Action(
        "chat.newline",
        "New line in the question",
        ("ctrl+j", "shift+enter", "alt+enter"),
        "chat",
        "newline",
        "Write a question of several lines.",
        label="New line",
        own_keys=True,
        inside="Prompt",
    ),
    Action(
        "chat.detach",
        "Remove the last attachment",
        ("backspace",),
        "chat",
        "delete_left",
        "While the question is empty. A click on its cross does it, too.",
        own_keys=True,
        inside="Prompt",
    ),
    Action(
        "chat.recall",
        "Earlier questions",
        ("up", "down"),
        "chat",
        "cursor_up",
        "From the question's first line: what was asked before.",
        own_keys=True,
        inside="Prompt",
    ),
    Action(
        "chat.retry",
        "Ask the failed question again",
        ("f5",),
        "chat",
        "retry",
        "Offered when an answer failed.",
        own_keys=True,
    ),
    Action(
        "chat.page_up",
        "Read earlier messages",
        ("pageup", "pagedown"),
        "chat",
        "page(-1)",
        "Scroll; new text does not pull you down while you read.",
        own_keys=True,
        inside="Prompt",
    ),
    Action(
        "chat.end",
        "Go to the newest message",
        ("ctrl+end",),
        "chat",
        "newest",
        "Follow the answer again.",
        own_keys=True,
    ),
)


def bindings(scope: Scope) -> list[Binding]:
    """Return the Textual bindings of `scope`, one a key, each with its action's id for the user's key map."""
    return [
        Binding(
            ",".join(action.keys),
            action.handler,
            action.title,
            id=action.id,
            show=False,  # the footer is our own, made from the same table
            priority=action.priority,
            system=True,
        )
        for action in ACTIONS
        if action.scope == scope and not action.own_keys
    ]


_KEY_NAMES = {
    "question_mark": "?",
    "slash": "/",
    "ampersand": "&",
    "colon": ":",
    "right_square_bracket": "]",
    "left_square_bracket": "[",
    "home": "Home",
    "end": "End",
    "full_stop": ".",
    "escape": "Esc",
    "enter": "Enter",
    "backspace": "Backspace",
    "equals_sign": "=",
    "plus": "+",
    "minus": "-",
    "space": "Space",
    "pageup": "PageUp",
    "pagedown": "PageDown",
    "up": "Up",
    "down": "Down",
    "f18": "Shift+F6",
}


def key_name(key: str) -> str:
    """Return Textual's name of a key as people write it: `ctrl+shift+p` is `Ctrl+Shift+P`."""
    if key in _KEY_NAMES:
        return _KEY_NAMES[key]
    if len(key) == 1:
        return key
    *modifiers, last = key.split("+")
    last = _KEY_NAMES.get(last, last.upper() if len(last) <= 3 else last.capitalize())
    return "+".join([*(modifier.capitalize() for modifier in modifiers), last])


def key_names(action: Action) -> str:
    """Return the action's keys as the help screen shows them, each once."""
    return ", ".join(dict.fromkeys(key_name(key) for key in action.keys))


def key_of(action_id: str) -> str:
    """Return the key of the action `action_id`, as people write it."""
    return key_name(next(action for action in ACTIONS if action.id == action_id).keys[0])
