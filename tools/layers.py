"""Which package may import which others: the one place that says so.

Tests hold the imports, the table of docs/design.md and the BUILD files to it. The programs in the
root folder stand above all.
"""

MAY_IMPORT: dict[str, frozenset[str]] = {
    name: frozenset(others.split())
    for name, others in {
        "soundstream": "",
        "model": "soundstream",
        "data": "soundstream",
        "metrics": "soundstream",
        "training": "model data metrics soundstream",
        "export": "model data soundstream",
        "evaluation": "data metrics soundstream",
        "demo": "metrics soundstream",
        "tools": "train training export evaluation model data metrics soundstream",
    }.items()
}
PROGRAMS = ("train", "evaluate", "codec")
# These code, score and show audio: they must work, and start fast, without TensorFlow.
LIGHT = ("soundstream", "metrics", "evaluation", "demo", "codec", "evaluate")
