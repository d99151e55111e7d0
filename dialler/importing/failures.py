"""Which error it was."""


def only_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the one error that ended a pipeline: the others are its echo."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
