"""The flags of all programs: one vocabulary, help texts that say something, errors of one line."""

import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from absl import flags

from tests import every_program
from tools.bazel.write_build import git_files
from tools.layers import MAY_IMPORT
from training.setting_flags import SettingFlags, field_texts

ROOT = Path(__file__).resolve().parents[1]
# Started by other programs, or without packages: another interpreter, a test runner, make web.
NOT_FOR_USERS = {
    "web_demo/build.py",  # any Python's standard library does
    "web_demo/measure.py",
    "evaluation/judge_worker.py",
    "tools/bazel/pytest_main.py",
    "tools/benchmark/torch_reference.py",
}
PROGRAMS = [
    name
    for name in git_files("*.py")
    if name.split("/")[0] in {*MAY_IMPORT, name}
    and 'if __name__ == "__main__":' in (ROOT / name).read_text()
    and name not in NOT_FOR_USERS
]
# What a name must not have in it, and the word of the vocabulary (docs/flags.md) for it.
SYNONYMS = {
    r"bitrates|kbps": "bitrate_bps",
    r"checkpoint(?!_minutes)|npz": "weights, ..._from",
    r"clips|num_(?!quantizers)|recordings|(?<!max)_files": "max_files, ..._max_files",
    r"processes|jobs|cpus": "workers",
    r"quantization|format": "flavour",
    r"inputs|extra|source": "input_dir, kind",
    r"kinds|seeds|flavours|dirs$|models": "singular: one or several",
    r"valid_": "validation_...",
    r"out_dir|outdir|dest|save": "output_dir",
}
COUNTED = "second|minute|dB|share|weight|fraction|norm|times|step|exponent|speed"


@pytest.fixture(scope="module")
def found():
    """{program: its flags, exit status and stderr when given a stray argument}"""
    command = [sys.executable, every_program.__file__, *PROGRAMS]
    there = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=there, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def all_flags(found):
    """[(program, name, facts)]"""
    return [(p, name, flag) for p, of in found.items() for name, flag in of["flags"].items()]


def test_programs_are_found():
    assert {"train.py", "evaluate.py", "codec.py", "export/to_tflite.py"} < set(PROGRAMS)
    assert len(PROGRAMS) > 20


def test_every_program_refuses_a_stray_argument_in_one_line(found):
    for program, of in found.items():
        lines = of["stderr"].splitlines()
        assert of["code"] == 1 and len(lines) == 1, (program, of["code"], lines)
        assert lines[0].startswith(f"{Path(program).name}: "), (program, lines)
        assert every_program.STRAY in lines[0] or "usage:" in lines[0], (program, lines)


def test_names_are_those_of_the_vocabulary(all_flags):
    wrong = [
        f"{program} --{name}: {word}"
        for program, name, _ in all_flags
        for pattern, word in SYNONYMS.items()
        if re.search(pattern, name)
    ]
    assert not wrong


def test_no_two_names_differ_in_a_plural_only(all_flags):
    spellings: dict[str, set[str]] = {}
    for _, name, _ in all_flags:
        spellings.setdefault("_".join(w.rstrip("s") for w in name.split("_")), set()).add(name)
    assert not [names for names in spellings.values() if len(names) > 1]


def test_a_name_has_one_type(all_flags):
    types: dict[str, set[str]] = {}
    for _, name, flag in all_flags:
        base = flag["type"].removeprefix("multi ").removesuffix(" enum")
        types.setdefault(name, set()).add(base)
    assert not {name: of for name, of in types.items() if len(of) > 1}


def test_help_texts_say_what_how_much_and_what_without(all_flags):
    wrong = []
    for program, name, flag in all_flags:
        text = flag["help"]
        good = (
            len(text.split()) >= 4 and text.endswith(".") and not text.startswith(("Of ", "See "))
        )
        good &= flag["default"] is not None or bool(re.search("default:|required", text, re.I))
        if flag["type"].endswith("float"):
            good &= bool(re.search(COUNTED, text, re.I))
        for part, unit in {"bps": "per second", "db": "dB", "dbfs": "dBFS"}.items():
            good &= part not in name.split("_") or unit in text
        wrong += [] if good else [f"{program} --{name}: {text}"]
    assert not wrong


def commands():
    """[(where, program, flags given)] of all that pages, scripts and the Makefile run."""
    paths = [name for kind in ("*.md", "*.sh", "Makefile", "*.py") for name in git_files(kind)]
    for name in paths:
        text = re.sub(r"\\\\?\n", " ", (ROOT / name).read_text())
        for program, rest in re.findall(r"([\w/]+\.py) ((?:[^\n`|\"]|\"\$\w+\")*)", text):
            if program in PROGRAMS and name != "tests/every_program.py":
                yield name, program, re.findall(r"(?:^| )--([a-z]\w+)", rest.partition(" -- ")[0])


def test_commands_in_pages_and_scripts_have_these_flags(found):
    wrong, count = [], 0
    for where, program, given in commands():
        count += len(given)
        known = {"flagfile", "help", *found[program]["flags"]}
        known |= {f"no{name}" for name in known}
        wrong += [f"{where}: {program} --{name}" for name in given if name not in known]
    assert not wrong and count > 100


@dataclasses.dataclass(frozen=True)
class Example:
    """Settings.

    Attributes:
      low, high: ends of a range,
        in Hz.
      levels: two of them.
      blocks: a list for each block.
      names: of parts.
    """

    low: float = 1.0
    high: float = 2.0
    levels: tuple[float, float] = (-2.5, 0.0)
    blocks: tuple[tuple[int, ...], ...] = ()
    names: tuple[str, ...] = ("a",)
    other: str | None = None


@pytest.fixture
def example():
    before = set(flags.FLAGS)
    yield SettingFlags(Example, "example_", choices={"names": ("a", "b")})
    flags.FLAGS.remove_flag_values(set(flags.FLAGS) - before)


def test_settings_become_flags(example):
    assert field_texts(Example)["high"] == "Ends of a range, in Hz."
    assert flags.FLAGS["example_names"].help == "Of parts. Of a, b."
    flags.FLAGS(["x"])
    assert example.make() == Example()
    given = (
        "x --example_levels=-3,4 --example_blocks=1,3/9 --example_names=a --example_names=b,a "
        "--example_high=7 --example_other=word"
    )
    flags.FLAGS(given.split())
    expected = Example(1.0, 7.0, (-3.0, 4.0), ((1, 3), (9,)), ("b", "a"), "word")
    assert example.make() == expected
    texts = [flags.FLAGS[f"example_{name}"].serialize() for name in ("levels", "blocks", "names")]
    flags.FLAGS(["x", "--example_other=word", "--example_high=7", *texts])
    assert example.make() == expected


@pytest.mark.parametrize("given", ["levels=1", "levels=1,x", "blocks=1/x", "names=c", "low="])
def test_wrong_settings_are_named(example, given):
    with pytest.raises(flags.IllegalFlagValueError, match=f"--example_{given}: "):
        flags.FLAGS(["x", f"--example_{given}"])


PROGRAM = """
from absl import flags
from common import command_line
command_line.several_integers("bitrate_bps", [1], "Bits.")
command_line.several_of("kind", ["a"], ["a", "b"], "Kinds.")
flags.DEFINE_string("file", None, "To read.", required=True)
def main(argv):
    if flags.FLAGS.kind == ["b"]:
        raise ValueError("b is not possible")
    open(flags.FLAGS.file)
    print(flags.FLAGS.bitrate_bps, flags.FLAGS.kind)
command_line.run(main, renamed={"old": "file"})
"""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--file=gone", "gone: No such file or directory"),
        ("--file=x --kind=b", "b is not possible"),
        ("--file=x --kind=c", "flag --kind=c: value should be one of <a|b>"),
        ("--file=x --bitrate_bps=3,x", "flag --bitrate_bps=x: not a whole number"),
        (
            "--file=x --bitrates_bps=3",
            "Unknown command line flag 'bitrates_bps'. Did you mean: bitr",
        ),
        ("--old=x", "there is no --old; it is --file now"),
        ("", "--file is missing"),
        ("--file=x file=y", "unexpected argument 'file=y': options start with --"),
    ],
)
def test_errors_are_one_line(tmp_path, arguments, message):
    (tmp_path / "program.py").write_text(PROGRAM)
    command = [sys.executable, "program.py", *arguments.split()]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"program.py: {message}")


def test_several_values_come_with_commas_or_again(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    command = [sys.executable, "program.py", "--file=program.py", "--bitrate_bps=3, 4"]
    for more, printed in (([], "[3, 4] ['a']"), (["--bitrate_bps=5", "--kind="], "[3, 4, 5] []")):
        done = subprocess.run([*command, *more], cwd=tmp_path, capture_output=True, text=True)
        assert done.stdout.strip() == printed
