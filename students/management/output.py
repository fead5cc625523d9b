"""Where a command's progress goes."""

from typing import TextIO, cast

from django.core.management.base import BaseCommand


def errors(command: BaseCommand) -> TextIO:
    """Return standard error without the colour that Django's wrapper gives every line."""
    return cast(TextIO, command.stderr._out)
