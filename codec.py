"""The command `soundstream` from a checkout that is not installed: see soundstream/cli.py."""

from soundstream import cli

if __name__ == "__main__":
    cli.run()
