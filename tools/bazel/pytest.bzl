"""A test file as a Bazel test."""

load("@pypi//:requirements.bzl", "requirement")
load("@rules_python//python:defs.bzl", "py_test")

def pytest_test(name, deps = [], **kwargs):
    """Runs `name`.py by pytest, without its slow tests.

    Tests look at the whole tree and run its programs, so all files are there, and those that follow
    links to the source tree may: they are not kept in Bazel's sandbox.

    Args:
      name: of the target and of the file, without .py.
      deps: what the file imports.
      **kwargs: further attributes of py_test.
    """
    py_test(
        name = name,
        srcs = [
            name + ".py",
            "//tools/bazel:pytest_main.py",
        ],
        args = ["$(rootpath %s.py)" % name],
        data = ["//:tree"],
        main = "//tools/bazel:pytest_main.py",
        tags = ["no-sandbox"],
        deps = depset(deps + [":conftest", requirement("pytest")]).to_list(),
        **kwargs
    )
