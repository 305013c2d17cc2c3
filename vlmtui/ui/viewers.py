"""Which widget shows which kind of file.

A viewer is a widget with `path` (set it to show another file), `processor` (the model's, for what a file will cost),
and the messages `Shown` and `Failed`. It is made with the media client, and imported when a file of its kind is shown.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vlmtui.ui.actions import Scope

if TYPE_CHECKING:
    from vlmtui.media.client import MediaClient

_VIEWERS: dict[str, tuple[Scope, str, str]] = {
    # kind of file: the viewer's id, which is also its scope in the table of actions; its module; its class
    "picture": ("preview", "vlmtui.ui.widgets.preview", "Preview"),
    "dataset": ("dataset", "vlmtui.ui.widgets.dataset_view", "DatasetView"),
    "video": ("video", "vlmtui.ui.widgets.video_view", "VideoView"),
    "run": ("run", "vlmtui.ui.monitor.run_view", "RunView"),
}
_ELSE = "picture"
DATASETS_LOG = "datasets.log"


def viewer_id(kind: str) -> Scope:
    """Return the id of the viewer that shows files of `kind` (see `vlmtui.media.kinds`)."""
    return _VIEWERS.get(kind, _VIEWERS[_ELSE])[0]


def make_viewer(kind: str, media: MediaClient, *, graphics: str, logs: Path) -> Any:
    """Return a new viewer for files of `kind`, to be mounted; what its own process logs goes to the folder `logs`."""
    name, module, viewer = _VIEWERS.get(kind, _VIEWERS[_ELSE])
    own = {"log": logs / DATASETS_LOG} if name == "dataset" else {}
    return getattr(import_module(module), viewer)(media, graphics=graphics, id=name, **own)
