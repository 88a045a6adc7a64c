"""The command `soundstream` from a checkout that is not installed: see soundstream/cli.py."""

from soundstream import cli, command_line

if __name__ == "__main__":
    command_line.run(cli.main, arguments=True)
