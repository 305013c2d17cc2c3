"""A job as the words of the command that does it."""

from __future__ import annotations

from pathlib import Path

from vlmtui.batches.job import Job


def words_of(job: Job, out: Path) -> list[str]:
    """Return the words behind `vlmtui` that do `job` with the result `out`: what the settings say does not matter."""
    words = ["batch", *job.paths, f"--prompt={job.prompt}", f"--out={out}", f"--system={job.system}"]
    words += [f"--model={job.model}"] + ([f"--revision={job.revision}"] if job.revision else [])
    words += [f"--adapter={job.adapter}"] if job.adapter else []
    words += [f"--resolution={job.resolution}"]
    words += [f"--fps={job.frames.fps}"] if job.frames.mode == "fps" else [f"--frames={job.frames.frames}"]
    words += [f"--max-new-tokens={job.sampling.max_new_tokens}", f"--temperature={job.sampling.temperature}"]
    return words
