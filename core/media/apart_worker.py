"""The process of `core.media.apart`: it decodes the files that it is asked for.

It answers on a pipe whose number is its argument. The system ends it when it uses more processor
than a request allows, and with the process that started it.
"""

import contextlib
import os
import resource
import signal
import sys
from multiprocessing.connection import Connection

from core import media
from core.child import end_with_parent
from core.errors import MediaError

MOST_BYTES = 3 << 30  # of memory for one file; 16 channels of 30 minutes need less
WORN_BYTES = 512 << 20  # a process that holds more is replaced
NICENESS = 5  # the pages come first


def main() -> None:
    """Answer until nobody asks any more."""
    pipe = Connection(int(sys.argv[1]))
    end_with_parent()
    os.nice(NICENESS)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_AS, _mapped_bytes() + MOST_BYTES)
    while True:
        try:
            function, path, name, seconds, arguments = pipe.recv()
        except EOFError:
            return
        before = _spent_s()
        signal.setitimer(signal.ITIMER_PROF, max(seconds, 0.01))  # its signal ends the process
        kind, value = "value", None
        try:
            value = getattr(media, function)(path, name, **arguments)
        except MediaError as error:
            kind = "memory" if isinstance(error.__cause__, MemoryError) else "refused"
            value = str(error)
        except MemoryError:
            kind = "memory"
        signal.setitimer(signal.ITIMER_PROF, 0)
        worn = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 > WORN_BYTES
        pipe.send((kind, value, _spent_s() - before, worn))
        del value


def _spent_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _mapped_bytes() -> int:
    """The address space that the libraries take."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def _limit(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(what, (most, hard))


if __name__ == "__main__":
    main()
