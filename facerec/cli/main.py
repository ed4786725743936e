"""The command `facerec`: finds each subcommand's module only when it is called."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

import click

from facerec.errors import ExitCode, FacerecError

COMMANDS = {
    "index": "facerec.cli.index:index",
    "match": "facerec.cli.match:match",
    "compare": "facerec.cli.compare:compare",
    "detect": "facerec.cli.detect:detect",
    "collections": "facerec.cli.collections:collections",
    "faces": "facerec.cli.faces:faces",
    "jobs": "facerec.cli.jobs:jobs",
    "estimate": "facerec.cli.estimate:estimate",
    "serve": "facerec.cli.serve:serve",
    "keys": "facerec.cli.keys:keys",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, so that `--help` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order of a first use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own signature
        """Run a command; what goes wrong is one line, a hint and an exit code."""
        try:
            return super().invoke(ctx)
        except FacerecError as error:
            _complain(error.message, error.hint)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            _complain("interrupted", None)
            ctx.exit(ExitCode.INTERRUPTED)
        except BrokenPipeError:
            # The reader of a pipe has left: nothing more can be said to it, at exit neither.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(ExitCode.FAULT)
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            _complain(f"{where}{error.strerror or error}", None)
            ctx.exit(ExitCode.FAULT)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="facerec")
def main() -> None:
    """Index the faces of photos, and find out who is on a photo.

    \b
    Examples:
      facerec index photos/ --collection staff
      facerec match visitor.jpg --collection staff
      facerec jobs report latest

    Exit codes: 0 done, 1 fault of the machine, 2 wrong usage, 3 not found, 4 input that cannot be
    used, 5 no face, 6 other model version, 7 more failures than tolerated, 130 interrupted.
    """  # noqa: D301 - \b is click's mark for a paragraph that keeps its lines


def _complain(message: str, hint: str | None) -> None:
    click.secho(f"error: {message}", fg="red", err=True)
    if hint:
        click.echo(f"hint: {hint}", err=True)


if __name__ == "__main__":
    main()
