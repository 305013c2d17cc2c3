"""Colour themes: VS Code's dark and light looks, beside Textual's own."""

from __future__ import annotations

from textual.theme import Theme

DEFAULT_THEME = "vscode-dark"

VSCODE_DARK = Theme(
    name="vscode-dark",
    primary="#007acc",
    secondary="#3794ff",
    accent="#4ec9b0",
    foreground="#d4d4d4",
    background="#1e1e1e",
    surface="#252526",
    panel="#333337",
    warning="#cca700",
    error="#f14c4c",
    success="#89d185",
    dark=True,
    variables={
        "border": "#007acc",
        "border-blurred": "#3c3c3c",
        "block-cursor-background": "#04395e",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#37373d",
        "block-cursor-blurred-foreground": "#d4d4d4",
        "input-selection-background": "#264f78",
        "scrollbar": "#424242",
        "scrollbar-hover": "#4f4f4f",
        "scrollbar-active": "#6a6a6a",
        "scrollbar-background": "#1e1e1e",
        "scrollbar-background-hover": "#1e1e1e",
        "scrollbar-background-active": "#1e1e1e",
        "scrollbar-corner-color": "#1e1e1e",
        "link-color": "#3794ff",
        "markdown-h1-color": "#569cd6",
        "markdown-h2-color": "#569cd6",
        "markdown-h3-color": "#569cd6",
    },
)

VSCODE_LIGHT = Theme(
    name="vscode-light",
    primary="#007acc",
    secondary="#0066bf",
    accent="#267f99",
    foreground="#1f1f1f",
    background="#ffffff",
    surface="#f3f3f3",
    panel="#e4e6f1",
    warning="#bf8803",
    error="#c72e2e",
    success="#388a34",
    dark=False,
    variables={
        "border": "#007acc",
        "border-blurred": "#d4d4d4",
        "block-cursor-background": "#0060c0",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#e4e6f1",
        "block-cursor-blurred-foreground": "#1f1f1f",
        "input-selection-background": "#add6ff",
        "scrollbar": "#c1c1c1",
        "scrollbar-hover": "#a8a8a8",
        "scrollbar-active": "#7f7f7f",
        "scrollbar-background": "#ffffff",
        "scrollbar-background-hover": "#ffffff",
        "scrollbar-background-active": "#ffffff",
        "scrollbar-corner-color": "#ffffff",
        "link-color": "#0066bf",
    },
)

THEMES = (VSCODE_DARK, VSCODE_LIGHT)
