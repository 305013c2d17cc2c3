"""Pictures and videos: decoded in a child process, bounded, described."""
