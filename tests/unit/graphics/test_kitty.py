"""The kitty protocol, read back as the terminal would."""

from __future__ import annotations

import base64
import re
import unicodedata

import pytest

from vlmtui.ui.graphics import kitty


def _commands(sequences: str) -> list[tuple[dict[str, str], str]]:
    found = []
    for match in re.finditer(r"\x1b_G([^;\x1b]*)(?:;([^\x1b]*))?\x1b\\", sequences):
        assert len(match[0]) <= 4096 + 200
        found.append((dict(item.split("=") for item in match[1].split(",")), match[2] or ""))
    assert re.sub(r"\x1b_G[^\x1b]*\x1b\\", "", sequences) == ""
    return found


@pytest.mark.parametrize("size", [1, 3071, 3072, 3073, 100_000])
def test_a_picture_arrives_whole(size: int) -> None:
    png = bytes(i % 251 for i in range(size))
    commands = _commands(kitty.transmit(png, 77, 30, 10))
    first = commands[0][0]
    wanted = {"a": "T", "U": "1", "f": "100", "i": "77", "c": "30", "r": "10"}
    assert {key: first[key] for key in wanted} == wanted
    assert all(keys["q"] == "2" for keys, _ in commands)  # an answer would be typed into the prompt
    assert [keys["m"] for keys, _ in commands] == ["1"] * (len(commands) - 1) + ["0"]
    assert all(len(data) <= 4096 and len(data) % 4 == 0 for _, data in commands)
    assert base64.b64decode("".join(data for _, data in commands)) == png


def test_through_tmux_every_sequence_is_wrapped() -> None:
    wrapped = kitty.transmit(b"x" * 5000, 1, 2, 3, tmux=True)
    parts = re.findall(r"\x1bPtmux;((?:[^\x1b]|\x1b\x1b)*)\x1b\\", wrapped)
    assert len(parts) == 2
    assert "".join(part.replace("\x1b\x1b", "\x1b") for part in parts) == kitty.transmit(b"x" * 5000, 1, 2, 3)


def test_a_picture_is_deleted_with_its_data() -> None:
    ((keys, data),) = _commands(kitty.delete(9))
    assert (keys["a"], keys["d"], keys["i"], data) == ("d", "I", "9", "")


def test_numbers_are_the_protocol_s() -> None:
    numbers = kitty.numbers()
    assert len(numbers) == kitty.MOST_CELLS == len(set(numbers))
    assert [f"{ord(numbers[n]):X}" for n in (0, 1, 2, 3, 100, 200, 296)] == [
        "305", "30D", "30E", "310", "7EB", "20D4", "1D244"
    ]  # fmt: skip
    assert all(unicodedata.combining(number) == 230 for number in numbers)
