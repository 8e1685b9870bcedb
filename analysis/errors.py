"""The one exception of `analysis`: what was given, and what to do instead."""


class ReportError(ValueError):
    """A path or a file that no report can be made from.

    `str(error)` has two lines: the field with its value, and the remedy. The command line prints them and exits with 2.
    """

    def __init__(self, field: str, value: object, remedy: str) -> None:
        self.field = field
        self.value = value
        self.remedy = remedy
        super().__init__(field, value, remedy)

    def __str__(self) -> str:
        return f"{self.field}: {str(self.value)!r} cannot be used.\n{self.remedy}"
