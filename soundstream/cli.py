"""Codes audio files into .sst files and back with a streaming neural codec.

    soundstream encode speech.wav speech.sst --bitrate_bps=3000
    soundstream decode speech.sst copy.wav
    soundstream info speech.sst

`encode` takes any audio file, wav, flac, ogg, mp3, m4a and so on, at any sample rate, number of
channels and length, and all three come back exactly. A folder is coded into a folder, and "-" is a
pipe: `encode` reads what can be read from front to end, `decode` writes wav. `decode` finds the
model by the id in the file. Files that are there already are replaced only with --overwrite.

Exit code: 0 all is well; 1 a file failed and was not written; 2 a file was written, or described,
but its .sst stream is damaged or cut.
"""

from __future__ import annotations

import argparse
import functools
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from . import __version__, console, models
from .codec import files
from .codec.audio_io import goes_through
from .codec.file_codec import Span, Summary
from .codec.packet_encoder import EncodeOptions
from .whole import DEFAULT_BPS, by_id

OK, FAILED, DAMAGED = 0, 1, 2


class _Parser(argparse.ArgumentParser):
    """Raises ValueError, one line, where argparse would print more and leave."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message}; {self.format_usage().strip()}")


def _parser(program: str) -> _Parser:
    parser = _Parser(
        program,
        f"{program} encode IN OUT.sst | decode IN.sst OUT | info IN.sst (--help for more)",
        __doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("command", choices=("encode", "decode", "info"))
    add(
        "paths",
        nargs="+",
        metavar="path",
        help="What to read; for encode and decode, what to write.",
    )
    add(
        "--model_dir",
        help="Folder of an exported model, or the name of a known one "
        f"({', '.join(models.known())}); default: {models.DEFAULT}, and to decode the file's own.",
    )
    add("--flavour", help="Which of the model's files; default: its first.")
    add(
        "--bitrate_bps",
        type=int,
        default=DEFAULT_BPS,
        help=f"encode: bits per second of each channel; default: {DEFAULT_BPS}.",
    )
    for name, default, text in (
        (
            "entropy_coding",
            True,
            "encode: fewer bits for likely codes, where the model has tables.",
        ),
        ("dtx", False, "encode: describe pauses instead of coding them."),
        ("denoise", False, "encode: remove noise, where the model can."),
        ("overwrite", False, "encode, decode: replace files that are there already."),
        ("json", False, "info: print JSON in place of a table."),
    ):
        on = "on" if default else "off"
        add(f"--{name}", action="store_true", default=default, help=f"{text[:-1]}; default: {on}.")
        add(f"--no{name}", dest=name, action="store_false", help=argparse.SUPPRESS)
    add(
        "--start_seconds",
        type=float,
        default=0.0,
        help="decode: second to begin at; default: 0.",
    )
    add("--seconds", type=float, help="decode: seconds to decode; default: to the end.")
    parser.set_defaults(program=program)
    add("--version", action="version", version=__version__)
    return parser


def main(argv: list[str]) -> int:
    """Runs the command.

    Args:
      argv: the name of the program, and what was given to it.

    Returns:
      The exit code.
    """
    program = Path(argv[0]).name
    parser = _parser(program)
    try:
        given = parser.parse_intermixed_args(argv[1:])
        wanted = 1 if given.command == "info" else 2
        if len(given.paths) != wanted:
            parser.error(f"{given.command} needs {wanted} paths, got {len(given.paths)}")
        return {"encode": _encode, "decode": _decode, "info": _info}[given.command](given)
    except (ValueError, OSError) as error:
        _complain(program, error)
        return FAILED


def run() -> NoReturn:
    """The installed command."""
    with console.guarded():
        sys.exit(main(sys.argv))


def _encode(given: argparse.Namespace) -> int:
    jobs = files.encode_jobs(*given.paths)
    if others := files.passed_over(given.paths[0]):
        _complain(given.program, f"{given.paths[0]}: passed over, no audio by name: {others}")
    model = models.load(given.model_dir or models.DEFAULT, given.flavour)
    options = EncodeOptions(
        bitrate_bps=given.bitrate_bps,
        tables=model.tables if given.entropy_coding else None,
        dtx=given.dtx,
        denoise=given.denoise,
    )
    return _code_all(given, jobs, lambda job: files.encode_file(model.graphs, job, options))


def _decode(given: argparse.Namespace) -> int:
    jobs = files.decode_jobs(*given.paths)
    span = Span(given.start_seconds, given.seconds)
    if not given.model_dir:
        find = functools.partial(by_id, flavour=given.flavour)
        return _code_all(given, jobs, lambda job: files.decode_file_with(find, job, span))
    model = models.load(given.model_dir, given.flavour)
    return _code_all(
        given, jobs, lambda job: files.decode_file(model.graphs, job, model.tables, span)
    )


def _info(given: argparse.Namespace) -> int:
    (source,) = given.paths
    facts = files.describe_file(source)
    if given.json:
        print(json.dumps({"file": source, **facts}, indent=2))
    else:
        for name, value in facts.items():
            text = f"{value:,.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else value
            print(f"{name.replace('_', ' '):<20}{text}")
    for phrase in facts["damage"]:
        _complain(given.program, f"{source}: {phrase}")
    return DAMAGED if facts["damage"] else OK


def _code_all(
    given: argparse.Namespace, jobs: list[files.Job], code: Callable[[files.Job], Summary]
) -> int:
    """Codes one file after the other; a bad one is named and the others go on."""
    results = {OK}
    for job in jobs:
        out = sys.stderr if goes_through(job.target) else sys.stdout
        try:
            if not given.overwrite and Path(job.target).is_file() and out is sys.stdout:
                raise ValueError(f"{job.target}: exists already; --overwrite replaces it")
            summary = code(job)
        except (ValueError, OSError) as error:
            _complain(given.program, error)
            results.add(FAILED)
            continue
        for remark in summary.warnings + summary.damage:
            _complain(given.program, f"{job.source}: {remark}")
        results.add(DAMAGED if summary.damage else OK)
        print(
            f"{job.source} -> {job.target}: {summary.seconds:.2f} s, "
            f"{summary.header.nominal_bps:.0f} bps nominal, {summary.actual_bps:.0f} bps actual, "
            f"real-time factor {summary.real_time_factor:.4f}",
            file=out,
        )
    return FAILED if FAILED in results else max(results)


def _complain(program: str, message: object) -> None:
    print(f"{program}: {console.told(message)}", file=sys.stderr)
