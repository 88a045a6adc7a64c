"""What all programs share on the command line: flags that hold several values, and errors.

A flag's name says the same in every program; `docs/flags.md` lists these words. What the user did
wrong, an unknown flag, a stray argument or a missing file, becomes one line on stderr, `program:
what is wrong`, and exit code 1.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

from absl import app, flags, logging

from soundstream import console

flags.disclaim_key_flags()  # `several` defines flags of the program that calls it, not of this file

Main = Callable[[list[str]], Any]
_MISSING = re.compile(r"--(\w+) must have a value other than None")


class _Several(flags.MultiFlag):
    """Values between commas, from one flag or a repeated one."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.help: str = self.help.partition(";\n")[0]  # absl's words know nothing of commas

    def _parse(self, arguments: str | Iterable) -> list:
        given = arguments.split(",") if isinstance(arguments, str) else list(arguments)
        return [] if given == [""] else super()._parse([_stripped(value) for value in given])

    def _get_parsed_value_as_string(self, value: Any) -> str | None:
        return None if value is None else repr(",".join(map(str, value)))


def _stripped(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def several(
    name: str,
    default: Iterable | None,
    text: str,
    parser: flags.ArgumentParser | None = None,
    required: bool = False,
) -> flags.FlagHolder:
    """Defines a flag with any number of values: between commas, or the flag again.

    Args:
      default: the values without the flag; what is given replaces them. None: the value is None.
      text: says what the values are.
      parser: of one value; None: they are strings.
    """
    flag = _Several(
        parser or flags.ArgumentParser(),
        flags.ArgumentSerializer(),
        name,
        None if default is None else list(default),
        f"{text} Several: commas, or repeat it.",
    )
    return flags.DEFINE_flag(flag, required=required)


def several_integers(
    name: str, default: Iterable[int] | None, text: str, at_least: int = 1, required: bool = False
) -> flags.FlagHolder:
    """`several` whole numbers."""
    return several(name, default, text, flags.IntegerParser(at_least), required)


def several_floats(
    name: str, default: Iterable[float] | None, text: str, at_least: float | None = None
) -> flags.FlagHolder:
    """`several` numbers."""
    return several(name, default, text, flags.FloatParser(at_least))


def several_of(
    name: str, default: Iterable[str] | None, choices: Iterable[str], text: str
) -> flags.FlagHolder:
    """`several` of the words `choices`, which the text need not name."""
    known = list(choices)
    return several(name, default, f"{text} Of {', '.join(known)}.", flags.EnumParser(known))


def fail(error: object) -> NoReturn:
    """Ends the program with one line that begins with its name."""
    sys.exit(f"{Path(sys.argv[0]).name}: {error}")


def run(
    main: Main, arguments: bool = False, renamed: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Reads the flags and runs `main`, whose ValueError and OSError are the user's to mend.

    Args:
      main: is given what is left of the command line, its first element the program.
      arguments: whether there may be anything but flags; otherwise it is refused.
      renamed: flags that had another name before: old to new.
    """

    _help_as_in(main.__module__)

    def checked(argv: list[str]) -> Any:
        try:
            return main(argv)
        except (ValueError, OSError) as error:
            if logging.get_verbosity() >= logging.DEBUG:  # --verbosity=1
                raise
            file, reason = getattr(error, "filename", None), getattr(error, "strerror", None)
            fail(f"{file}: {reason}" if file else error)

    def parsed(argv: list[str]) -> list[str]:
        try:
            left = flags.FLAGS(argv)
        except flags.UnrecognizedFlagError as error:
            new = renamed.get(error.flagname.removeprefix("no"), renamed.get(error.flagname))
            fail(f"there is no --{error.flagname}; it is --{new} now" if new else _told(error))
        except flags.Error as error:
            fail(_told(error))
        if left[1:] and not arguments:
            fail(f"unexpected argument {left[1]!r}: options start with --")
        return left

    with console.guarded():
        app.run(checked, flags_parser=parsed)


def _help_as_in(name: str) -> None:
    """Lets `--help` show the docstring and the flags of a module that the program only starts."""
    program, module = sys.modules["__main__"], sys.modules[name]
    program.__doc__ = module.__doc__
    if module is not program:
        for flag in flags.FLAGS.get_key_flags_for_module(module):
            flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag)


def _told(error: flags.Error) -> str:
    """absl's message in one line."""
    text = " ".join(str(error).split())
    text = re.sub("invalid literal for int.*", "not a whole number", text)
    text = re.sub("could not convert string to float.*", "not a number", text)
    if missing := _MISSING.search(text):
        return f"--{missing[1]} is missing"
    return f"{text.replace(' ?', '?')} (--help lists the options)"
