"""A data set whose columns nobody knows: which is what is chosen in the form, and stands in the recipe."""

from __future__ import annotations

import json
from pathlib import Path

from textual.app import App

from tests.ui.conftest import png, screen_text, until
from vlmtui.ui.training.column_form import ColumnForm
from vlmtui.ui.training.document import Document
from vlmtui.ui.training.form import RecipeForm

RECIPE = "method: sft\nmodel_name_or_path: demo\ndataset_name: foreign.jsonl\noutput_dir: out\nuse_peft: true\n"


async def test_columns_are_mapped_with_the_first_rows_shown(tmp_path: Path) -> None:
    (tmp_path / "red.png").write_bytes(png((220, 30, 30)))
    rows = [{"bild": "red.png", "frage": f"Farbe {n}?", "antwort": "rot", "id: x": n} for n in range(4)]
    (tmp_path / "foreign.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    app: App[None] = App()
    async with app.run_test(size=(120, 40)) as pilot:
        form = RecipeForm(Document(tmp_path / "recipe.yaml", RECIPE))
        app.push_screen(form)
        await until(pilot, lambda: "F8 says which column is what" in screen_text(pilot))
        assert "bild" in screen_text(pilot)  # the columns that there are
        await pilot.press("f8")
        await until(pilot, lambda: isinstance(app.screen, ColumnForm) and app.screen.found)
        columns = app.screen
        assert isinstance(columns, ColumnForm)
        await until(pilot, lambda: "frage: Farbe 0?" in screen_text(pilot))  # as cells, while nothing is known
        assert columns.taken == {"images": "bild"}  # seen by what is in it
        await pilot.press("down", "right", "right")
        await until(pilot, lambda: columns.taken.get("prompt") == "frage")
        await pilot.press("down", "left", "left")  # from the other end: past `id: x`
        await until(pilot, lambda: "user       [1 picture] Farbe 0?" in screen_text(pilot))
        await until(pilot, lambda: "assistant  rot" in screen_text(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is form and form.document.recipe is not None)
        assert "columns: {images: bild, prompt: frage, completion: antwort}\n" in form.document.text
        await until(pilot, lambda: "Nothing is wrong" in screen_text(pilot))
        assert form.document.recipe is not None
        assert form.document.recipe.stages[0].data.columns["completion"] == "antwort"
