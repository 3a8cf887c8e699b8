"""Errors whose messages are shown unchanged on the command line and on pages.

A message is one sentence: what was found, what was expected, what to do. The command line prints
it and exits with 2; a page shows it in a notice.
"""

import reprlib

MAX_CHARACTERS = 2_000  # of a message
_SHORT = reprlib.Repr()
_SHORT.maxlevel = 3
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = 80


def shown(value: object) -> str:
    """A value that was found in a file, in at most a few hundred characters."""
    return _SHORT.repr(value)


class UserError(Exception):
    """An error that the user can fix: a bad file, an unknown name, a missing artefact.

    The message may contain what a file says. It is cut to a length that a person reads, and signs
    that cannot be printed become spaces.
    """

    def __str__(self) -> str:
        text = "".join(c if c.isprintable() or c == "\n" else " " for c in super().__str__())
        if len(text) <= MAX_CHARACTERS:
            return text
        half = MAX_CHARACTERS // 2
        return f"{text[:half]} … {text[-half:]}"


class MediaError(UserError):
    """A file that cannot be read: damaged, over a limit, or of another kind than its name says."""


class MissingWeights(UserError):
    """An encoder's weights are not on this machine."""


class MissingArtefact(UserError):
    """A stage has not been computed yet; the message names the command that computes it."""


class Damaged(UserError):
    """A file of the workspace is not what was written; the message names the file and the command
    that mends it."""
