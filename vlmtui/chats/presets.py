"""Questions that are asked again and again, each with a letter; the user's own come from the settings' `[presets]`."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Preset(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question.

    Attributes:
        prompt: its text.
        key: the letter or digit that chooses it; empty for the first one that is free.
        name: as it is listed.
        pictures: so many pictures it needs.
        video: it is about a video.
    """

    prompt: str
    key: str = ""
    name: str = ""
    pictures: int = 0
    video: bool = False


BUILT_IN = (
    Preset(key="c", name="Caption", prompt="Write a short caption for this image.", pictures=1),
    Preset(key="d", name="Detailed description", prompt="Describe this image in detail.", pictures=1),
    Preset(key="w", name="Question: what is it?", prompt="What is in this image?", pictures=1),
    Preset(key="r", name="Read the text", prompt="Read all the text in this image, line by line.", pictures=1),
    Preset(
        key="p",
        name="Compare pictures",
        prompt="Compare these images: what is the same, and what is different?",
        pictures=2,
    ),
    Preset(key="v", name="Summarise the video", prompt="Summarise what happens in this video.", video=True),
    Preset(key="o", name="List objects", prompt="List the objects in this image, one a line.", pictures=1),
)


class NoPreset(LookupError):
    """No preset has the name, or several do; the text says which there are."""


def preset_named(wanted: str, own: Mapping[str, str | Preset] = {}) -> Preset:
    """Return the preset with the name or the letter `wanted`; the beginning of one name is enough.

    Raises:
        NoPreset: there is none, or it could be several.
    """
    known = presets(own)
    word = wanted.strip().casefold()
    found = [preset for preset in known if word in (preset.name.casefold(), preset.key)]
    found = found or [preset for preset in known if word and preset.name.casefold().startswith(word)]
    if len(found) != 1:
        raise NoPreset("choose one of " + ", ".join(f"{preset.name.lower()} ({preset.key})" for preset in known))
    return found[0]


_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


def presets(own: Mapping[str, str | Preset] = {}) -> list[Preset]:
    """Return the user's own presets and the built-in ones, each with a name and a letter that no other has.

    One of the user's takes the name or the letter of a built-in one; that one then gets another letter, or is replaced.
    Past the letters there are none.
    """
    listed = [
        msgspec.structs.replace(Preset(prompt=given) if isinstance(given, str) else given, name=name)
        for name, given in own.items()
    ]
    names = {preset.name.casefold() for preset in listed}
    listed += [preset for preset in BUILT_IN if preset.name.casefold() not in names]
    taken: set[str] = set()
    wanting: list[int] = []
    for at, preset in enumerate(listed):
        key = preset.key[:1].lower()
        if key in _LETTERS and key and key not in taken:
            taken.add(key)
            listed[at] = msgspec.structs.replace(preset, key=key)
        else:
            wanting.append(at)
    for at in wanting:
        free = (letter for letter in listed[at].name.lower() + _LETTERS if letter in _LETTERS and letter not in taken)
        first = next(free, "")
        taken.add(first)
        listed[at] = msgspec.structs.replace(listed[at], key=first)
    return listed
