"""What a batch is: the question, who answers it, and a row of its result."""

from __future__ import annotations

import msgspec

from vlmtui.engine.protocol import ImagePart, Part, Sampling, TextPart, Turn, VideoPart
from vlmtui.media.kinds import kind_of
from vlmtui.models.processor import Resolution
from vlmtui.models.sampling import FrameSampling


class Job(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One question about many files. All but `paths` decides what the answers are.

    Attributes:
        prompt: the question.
        system: the system prompt.
        frames: which frames of a video are sent.
        sampling: how tokens are chosen.
        resolution: into how many tiles pictures are cut.
        model, revision, adapter: the checkpoint, as it was asked for.
        paths: the files and folders, absolute, as they were asked for.
    """

    prompt: str
    system: str = ""
    frames: FrameSampling = FrameSampling()
    sampling: Sampling = Sampling()
    resolution: Resolution = "auto"
    model: str = "demo"
    revision: str = ""
    adapter: str = ""
    paths: tuple[str, ...] = ()

    def turns(self, path: str) -> tuple[Turn, ...]:
        """Return the conversation that asks about the file at `path`, as `vlmtui ask` would."""
        medium: Part = ImagePart(path=path)
        if kind_of(path) == "video":
            medium = VideoPart(path=path, sampling=self.frames)
        asked = Turn(role="user", parts=(medium, TextPart(text=self.prompt)))
        return (Turn(role="system", parts=(TextPart(text=self.system),)), asked) if self.system else (asked,)

    def difference(self, other: Job) -> str:
        """Return the name of what makes the answers of `other` not those of this job; empty where nothing does."""
        ours, theirs = (msgspec.structs.asdict(job) for job in (self, other))
        return next((name for name in ours if name != "paths" and ours[name] != theirs[name]), "")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One file's line of the result.

    Attributes:
        file: as it was named.
        prompt: the question.
        text: the answer, without the space around it; empty where there is an error.
        error: what went wrong and what to do about it, in one line; empty where nothing did.
        tokens: of the answer.
        seconds: its share of the time that its group took.
        model: who answered.
    """

    file: str
    prompt: str
    text: str = ""
    error: str = ""
    tokens: int = 0
    seconds: float = 0.0
    model: str = ""


COLUMNS = Row.__struct_fields__
