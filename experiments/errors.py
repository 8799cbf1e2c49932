"""What ends a command in one line: a mistake the user can mend, or a result that is void."""


class UserError(Exception):
    """An error the user can mend; the command line prints it in one line and exits with 2.

    The message names what is wrong, where, and what to do about it.
    """


class VoidResultError(RuntimeError):
    """What was computed means nothing; the command line says why and exits with 1."""
