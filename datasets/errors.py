"""The errors that are a user's to mend; everything else is a bug and keeps its traceback."""


class InputError(ValueError):
    """Something handed in cannot be used; the message says who, what was found, what was wanted, what to do."""


class MethodUnavailableError(InputError):
    """A method's program or weights are not on this machine; the message says how to get them."""


class DataUnavailableError(InputError):
    """A dataset's file is neither on this machine nor to be had from its publisher."""
