"""The rules that old Bazel has built in, where new Bazel loads them from rules_python."""

py_binary = native.py_binary
py_library = native.py_library
py_test = native.py_test
