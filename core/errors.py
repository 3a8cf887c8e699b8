"""Errors whose messages are shown unchanged on the command line and on pages.

A message is one sentence: what was found, what was expected, what to do. The command line prints
it and exits with 2; a page shows it in a notice.
"""


class UserError(Exception):
    """An error that the user can fix: a bad file, an unknown name, a missing artefact."""


class MediaError(UserError):
    """A file that cannot be read: damaged, over a limit, or of another kind than its name says."""


class MissingWeights(UserError):
    """An encoder's weights are not on this machine."""


class MissingArtefact(UserError):
    """A stage has not been computed yet; the message names the command that computes it."""
