"""Which package may import which others: the one place that says so.

Tests hold the imports, the table of docs/design.md and the BUILD files to it. The programs in the
root folder stand above all.
"""

MAY_IMPORT: dict[str, frozenset[str]] = {
    name: frozenset(others.split())
    for name, others in {
        "soundstream": "",
        "common": "soundstream",
        "model": "soundstream",
        "data": "common soundstream",
        "metrics": "soundstream",
        "training": "common model data metrics soundstream",
        "export": "common model data soundstream",
        "evaluation": "data metrics soundstream",
        "web_demo": "",
        "demo": "common metrics soundstream",
        "tools": "common train training export evaluation model data metrics soundstream",
    }.items()
}
PROGRAMS = ("train", "evaluate", "codec")
# These code, score and show audio: they must work, and start fast, without TensorFlow.
LIGHT = ("soundstream", "common", "metrics", "evaluation", "demo", "codec", "evaluate")
