"""The one exception that stands for a mistake the user can mend."""


class UserError(Exception):
    """An error the user can mend; the command line prints it in one line and exits with 2.

    The message names what is wrong, where, and what to do about it.
    """
