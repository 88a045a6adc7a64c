"""Runs the test file it is given; Bazel's entry point of every test."""

import sys

import pytest

if __name__ == "__main__":
    options = ["-c", "pyproject.toml", "--rootdir=.", "-p", "no:cacheprovider", "-m", "not slow"]
    status = pytest.main([*options, *sys.argv[1:]])
    # A file that has slow tests alone is no failure.
    sys.exit(0 if status == pytest.ExitCode.NO_TESTS_COLLECTED else status)
