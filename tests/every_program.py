"""Reads the flags of programs without running them, and gives each a stray argument; prints JSON.

    python tests/every_program.py train.py evaluate.py ...

One process reads all of them: what they import takes longer than what they define.
"""

import argparse
import contextlib
import io
import json
import runpy
import sys
import types
from typing import Any

from absl import app, flags

from soundstream import cli

STRAY = "input_dir=x"
_TYPES = {None: "string", int: "int", float: "float"}


class Started(Exception):
    """In place of a program's run."""


def facts_of(program: str) -> dict[str, Any]:
    """Its flags, and what it says to a stray argument."""
    started: list[tuple] = []

    def note(main: Any, flags_parser: Any = None) -> None:
        started.append((main, flags_parser))
        raise Started

    app.run = note
    before, modules = set(flags.FLAGS), set(flags.FLAGS.flags_by_module_dict())
    sys.argv = [program]
    with contextlib.suppress(Started):
        runpy.run_path(program, run_name="__main__")
    own = {flag.name: described(flag) for flag in flags.FLAGS.get_key_flags_for_module(program)}
    required = [f"--{name}=x" for name, of in own.items() if of["required"]]
    facts = {"flags": own, **refusal(started[0], [program, *required, STRAY])}
    flags.FLAGS.remove_flag_values(sorted(set(flags.FLAGS) - before))
    for module in set(flags.FLAGS.flags_by_module_dict()) - modules:
        sys.modules.pop(module, None)  # its flags are to come back with the next import
    return facts


def facts_of_codec() -> dict[str, Any]:
    """The same of codec.py, whose library has argparse."""
    own = {
        action.option_strings[0].removeprefix("--"): {
            "type": _TYPES[action.type] if action.nargs != 0 else "bool",
            "default": None if action.default is None else str(action.default),
            "help": action.help,
            "required": action.required,
        }
        for action in cli._parser("codec.py")._actions
        if action.dest not in ("help", "version")
        and action.option_strings
        and action.help != argparse.SUPPRESS
    }
    errors = io.StringIO()
    with contextlib.redirect_stderr(errors):
        code = cli.main(["codec.py", "info", "a.sst", STRAY])
    return {"flags": own, "code": code, "stderr": errors.getvalue()}


def described(flag: flags.Flag) -> dict[str, Any]:
    return {
        "type": flag.flag_type(),
        "default": None if flag.default is None else str(flag.default),
        "help": flag.help.partition(";\n")[0],  # then absl says how to repeat it
        "required": any(not validator.checker(None) for validator in flag.validators),
    }


def refusal(started: tuple, argv: list[str]) -> dict[str, Any]:
    """How a program ends that is called so: exit status, and what it prints in the end."""
    main, parser = started
    sys.argv = argv
    errors = io.StringIO()
    code: Any = 0
    try:
        with contextlib.redirect_stderr(errors):
            code = main(parser(argv))
    except SystemExit as end:
        code = end.code
    if isinstance(code, str):  # Python prints it and makes it 1
        errors.write(code + "\n")
        code = 1
    return {"code": code, "stderr": errors.getvalue()}


def stand_in_for_beam() -> None:
    """Beam is for clusters, and not installed here; to read flags nothing of it is needed."""
    for name in ("apache_beam", "apache_beam.options", "apache_beam.options.pipeline_options"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules["apache_beam.options.pipeline_options"].PipelineOptions = None  # type: ignore


if __name__ == "__main__":
    stand_in_for_beam()
    programs = [program for program in sys.argv[1:] if program != "codec.py"]
    print(json.dumps({p: facts_of(p) for p in programs} | {"codec.py": facts_of_codec()}))
