"""The common base of the errors that a user of this package can mend."""


class KernelError(ValueError):
    """A network, method or data set that cannot be computed with; the message says why."""
