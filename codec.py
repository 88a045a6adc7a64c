"""The command `soundstream` from a checkout that is not installed: see soundstream/cli.py."""

from absl import app

from soundstream import cli

if __name__ == "__main__":
    app.run(cli.main)
