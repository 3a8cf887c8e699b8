"""Errors that are shown to a person exactly as they are.

Each message is one sentence that says what was found, what was expected and what to do.
The command line prints it and exits with 2; a page shows it in a notice and goes on.
"""


class UserError(Exception):
    """Something a person can mend: a bad file, an unknown name, a missing artefact."""


class MediaError(UserError):
    """One file cannot be taken in: unreadable, over a limit, or not what its name says."""


class MissingWeights(UserError):
    """An encoder's weights are not on this machine."""


class MissingArtefact(UserError):
    """A stage has not been computed yet; the message names the command that computes it."""
