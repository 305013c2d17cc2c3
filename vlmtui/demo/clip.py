"""`python -m vlmtui.demo.clip FOLDER` makes the short videos of the demo workspace (OpenCV; run by hand, never by
the program: the videos travel with the package)."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from random import Random

from vlmtui.demo.draw import draw
from vlmtui.demo.frames import Film, random_film

FRAMES_PER_SECOND = 10
SECONDS = 6
SIZE = (320, 240)


def moving(seed: int) -> Film:
    """A film in which one shape moves, and nothing else happens."""
    rng = Random(seed)
    while True:
        film = random_film(rng, SECONDS * FRAMES_PER_SECOND, SIZE)
        if film.mover and not film.painter and not film.frames[0].background.noise and len(film.frames[0].items) == 1:
            return film


def recoloured(seed: int) -> Film:
    """A film in which one shape changes its colour half way."""
    rng = Random(seed)
    while True:
        film = random_film(rng, 2, SIZE)
        if film.painter and not film.mover and not film.frames[0].background.noise:
            half = SECONDS * FRAMES_PER_SECOND // 2
            return replace(film, frames=(film.frames[0],) * half + (film.frames[1],) * half)


CLIPS = {"moving.mp4": (moving, 2), "changing.mp4": (recoloured, 4)}


def write_clip(film: Film, file: Path) -> None:
    """Encodes the film's frames.

    Raises:
        OSError: if this OpenCV cannot write the file.
    """
    import cv2
    import numpy as np

    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"mp4v"), FRAMES_PER_SECOND, SIZE)
    if not writer.isOpened():
        raise OSError(f"OpenCV cannot write {file}: is the folder there, and writable?")
    for frame in film.frames:
        picture = draw(replace(frame, seed=film.frames[0].seed))
        writer.write(np.ascontiguousarray(np.asarray(picture)[:, :, ::-1]))
    writer.release()


def main(arguments: list[str]) -> int:
    """The command line; see the module's text."""
    if len(arguments) != 1:
        print("usage: python -m vlmtui.demo.clip FOLDER", file=sys.stderr)
        return 2
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    for name, (make, seed) in CLIPS.items():
        write_clip(make(seed), folder / name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
