"""The models view: fetch and stop fetching from a hub that runs here, load, adapters and weights, unload."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.unit.engine.hub import Hub, hub
from vlmtui.models.adapters import Adapter, AdapterUse
from vlmtui.models.cache import cached
from vlmtui.models.estimate import Room
from vlmtui.models.listing import ListedModel
from vlmtui.settings import Settings
from vlmtui.ui.app import VlmtuiApp
from vlmtui.ui.widgets import models_view
from vlmtui.ui.widgets.models_view import ModelsView

from .conftest import MakeApp, ready, screen_text, until

NAME = "HuggingFaceTB/SmolVLM2-256M-Video-Instruct"


@pytest.fixture
def server(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub which has a tiny checkpoint under a name of the family's."""
    with hub(**{NAME.replace("/", "__"): tiny}) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.address)
        monkeypatch.setenv("HF_HUB_OFFLINE", "0")
        for name in ("http_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, "")
        yield running


async def shown(app: VlmtuiApp) -> ModelsView:
    """Show the view and wait until it knows what there is."""
    await app.workbench.action_show_models()
    return app.workbench.query_one(ModelsView)


def go_to(view: ModelsView, name: str) -> None:
    """Put the cursor on a model or an adapter."""
    for number, row in enumerate(view._rows):
        if (row.id if isinstance(row, ListedModel) else Path(row.folder).name) == name:
            place = view._list.get_option_index(str(number))
            view._list.highlighted = place
            return
    raise AssertionError(f"{name} is not listed")


async def test_fetching_stopping_and_loading(make_app: MakeApp, server: Hub) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        view = await shown(app)
        await until(pilot, lambda: view.chosen is not None)
        go_to(view, NAME)
        await pilot.press("enter")
        assert app.session.choice is not None and app.session.choice.model != NAME  # it is not here yet

        server.slow = threading.Event()
        await pilot.press("p")
        await until(pilot, lambda: "model.safetensors" in str(server.seen))
        await until(pilot, lambda: "fetching" in screen_text(pilot))
        assert app.session.state.phase == "ready"  # what is loaded could answer meanwhile
        await pilot.press("x")
        await until(pilot, lambda: view._client is None)
        assert not cached(NAME)
        server.slow.set()
        server.slow = None

        go_to(view, NAME)
        await pilot.press("p")
        await until(pilot, lambda: cached(NAME) and view._client is None)
        await until(
            pilot, lambda: any(isinstance(r, ListedModel) and r.id == NAME and r.state == "here" for r in view._rows)
        )
        go_to(view, NAME)
        await pilot.press("enter")
        await until(pilot, lambda: app.session.loaded is not None and app.session.loaded.name == NAME)
        await until(pilot, lambda: "loaded" in screen_text(pilot))

        await pilot.press("delete")
        await until(pilot, lambda: "Delete from the cache?" in screen_text(pilot))
        await pilot.press("y")
        await until(pilot, lambda: not cached(NAME))


async def test_adapters_weights_and_unloading(make_app: MakeApp, demo_adapters: Path) -> None:
    settings = Settings(device="cpu", dtype="float32", model="demo", model_folders=str(demo_adapters), max_new_tokens=8)
    app = make_app(settings=settings, choice=None)
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        view = await shown(app)
        await until(pilot, lambda: any(isinstance(row, Adapter) for row in view._rows))

        def lie_over(*uses: tuple[str, float]) -> bool:
            loaded = app.session.loaded
            wanted = tuple(AdapterUse(str(demo_adapters / name), weight) for name, weight in uses)
            return loaded is not None and loaded.adapters == wanted and app.session.state.phase == "ready"

        pid = app.session.pid
        go_to(view, "first")
        await pilot.press("enter")
        await until(pilot, lambda: lie_over(("first", 1.0)))
        await pilot.press("minus")
        await until(pilot, lambda: lie_over(("first", 0.75)))
        assert "weight 0.75" in screen_text(pilot)
        go_to(view, "second")
        await pilot.press("enter")
        await until(pilot, lambda: lie_over(("first", 0.75), ("second", 1.0)))
        go_to(view, "first")
        await pilot.press("enter")
        await until(pilot, lambda: lie_over(("second", 1.0)))
        assert app.session.pid == pid  # nothing was loaded anew

        await pilot.press("u")
        await until(pilot, lambda: app.session.pid is None and app.session.state.phase == "off")
        assert app.session.loaded is None


async def test_the_figures_of_a_model(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        view = await shown(app)
        await until(pilot, lambda: view.chosen is not None)
        go_to(view, "HuggingFaceTB/SmolVLM-Instruct")
        figures = ("context 16,384", "2.2 B", "4.5 GB", "9.5 GB", "5.0 GB", "3.0 GB", "2.0 GB")
        await until(pilot, lambda: all(figure in screen_text(pilot) for figure in figures))


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_what_it_looks_like(
    snap_compare: Callable[..., bool], make_shell: MakeApp, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.setattr(models_view, "room_here", lambda: Room("cuda:0", "a GPU", 8_000_000_000, 4_000_000_000))

    async def run(pilot: Pilot[object]) -> None:
        view = await shown(await ready(pilot))
        await until(pilot, lambda: view.chosen is not None)
        go_to(view, "HuggingFaceTB/SmolVLM-Instruct")
        await until(pilot, lambda: "too large" in screen_text(pilot))
        await pilot.pause()
        await pilot.wait_for_scheduled_animations()

    assert snap_compare(make_shell(), terminal_size=size, run_before=run)
