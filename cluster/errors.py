"""The one exception of this layer: it names the field, the value and the remedy, as `aesweep.models.errors.InputError` does.

This layer imports nothing of ours, so it has its own class with the same three attributes; the command line tells both by
those and prints the two lines without a traceback.
"""

LONGEST_SHOWN = 200  # characters of a value in a message


class ClusterError(ValueError):
    """A cluster, machine or value that cannot be used.

    `field` says what was asked for (`--address`, `nodes`), `value` what was found there (None if nothing was
    given), `remedy` what to do about it.
    """

    def __init__(self, field: str, value: object, remedy: str) -> None:
        self.field = field
        self.value = value
        self.remedy = remedy
        super().__init__(field, value, remedy)

    def __str__(self) -> str:
        text = repr(self.value)
        shown = text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"
        trouble = " is missing." if self.value is None else f": {shown} cannot be used."
        return f"{self.field}{trouble}\n{self.remedy}"
