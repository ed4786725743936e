"""A command group that imports a command only when that command is called."""

from __future__ import annotations

import builtins
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from importlib import import_module
from keyword import iskeyword
from typing import Any, NoReturn

import click

from facerec.cli.exit_codes import ExitCode, completion_hint, exit_code_of, hint_of
from facerec.cli.interruption import interruptible
from facerec.cli.place import Place, with_place
from facerec.errors import FacerecError

_OPTIONAL = re.compile(r"'\[([^][']+)\](?:\.\.\.)?'")


class SummaryGroup(click.Group):
    """A group of commands that lists the whole summary of each command; click shortens it."""

    def summaries(self, ctx: click.Context) -> list[tuple[str, str]]:
        """Return the name and the summary of each command."""
        commands = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        texts = ((name, command.help if command else None) for name, command in commands)
        return [(name, (text or "").partition("\n")[0]) for name, text in texts]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the summaries of all commands."""
        with formatter.section("Commands"):
            formatter.write_dl(self.summaries(ctx))


class LazyGroup(SummaryGroup):
    """A group of commands that are imported on demand, so that ``--help`` is fast.

    Args:
        commands: Module and summary of each command, by name. The module contains the command under
            the same name, with a final underscore if Python uses the name itself. ``--help`` prints
            the summaries without importing the modules.
    """

    def __init__(self, *args: Any, commands: Mapping[str, tuple[str, str]], **extra: Any) -> None:  # noqa: ANN401 - click's signature
        super().__init__(*args, **extra)
        self._table = commands

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order of the table."""
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; return None if there is none with this name."""
        if cmd_name not in self._table:
            return None
        module, _ = self._table[cmd_name]
        # "import" cannot be the name of a function, and "list" is the name of a type.
        taken = iskeyword(cmd_name) or hasattr(builtins, cmd_name)
        function = f"{cmd_name}_" if taken else cmd_name
        command: click.Command = getattr(import_module(module), function)
        return command

    def summaries(self, ctx: click.Context) -> list[tuple[str, str]]:
        """Return the name and the summary of each command without importing any."""
        return [(name, summary) for name, (_, summary) in self._table.items()]

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,  # noqa: ANN401 - click's signature
    ) -> Any:  # noqa: ANN401 - click's signature
        """Run the command line and exit; an error becomes one line, a hint and an exit code.

        If ``standalone_mode`` is false, it returns instead, and raises errors.
        """
        place = Place()
        extra = {"obj": place, **extra}
        run = partial(super().main, args, prog_name, complete_var, standalone_mode=False, **extra)
        if not standalone_mode:
            return run()
        _open_missing_streams()
        _escape_unprintable_characters()
        # A caller that passes arguments handles the signals of its own process.
        with nullcontext() if args is not None else interruptible():
            try:
                _run(run, self, place)
            except KeyboardInterrupt:
                # For example while an error was printed; click turns other interruptions into an
                # ``Abort``.
                _fail("interrupted", None, ExitCode.INTERRUPTED)
            except RuntimeError as error:
                if not isinstance(error.__cause__, KeyboardInterrupt):
                    raise
                # Python 3.11 replaces what is raised while a class is created (``__set_name__``).
                _fail("interrupted", None, ExitCode.INTERRUPTED)
        return None

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's signature
        """Run a command; end quietly if the reader of its output has closed the pipe."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader, such as `head`, has read enough. Python flushes stdout again at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(ExitCode.DONE)
        return result


def _run(run: Callable[[], Any], group: click.Group, place: Place) -> NoReturn:
    """Run a command and exit; an error becomes one line, a hint and an exit code.

    The command records in ``place`` whether it works on a stack or this machine.
    """
    try:
        # click returns the code of `Context.exit` here, and a command's None otherwise.
        sys.exit(run())
    except FacerecError as error:
        message = "; ".join(filter(None, (error.message, error.consequence)))
        hint = hint_of(error, on_stack=place.stack is not None)
        hint = None if hint is None else with_place(hint, group, place)
        _fail(message, hint, exit_code_of(error))
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.UsageError as error:
        called = error.ctx.command_path if error.ctx else "facerec"
        _fail(_usage(error), f"see `{called} --help`", ExitCode.USAGE)
    except click.ClickException as error:
        _fail(error.format_message(), None, ExitCode.ERROR)
    except click.Abort as abort:
        # Ctrl-C, or a question that was not answered with yes.
        cause = abort.__cause__
        message = "interrupted" if isinstance(cause, KeyboardInterrupt) else "cancelled"
        # An unfinished erasure adds its id.
        notes: list[str] = getattr(cause, "__notes__", [])
        hint = completion_hint(on_stack=place.stack is not None) if notes else None
        _fail("; ".join((message, *notes)), hint, ExitCode.INTERRUPTED)
    except UnicodeEncodeError as error:
        # An argument has bytes that are not UTF-8, which Python represents as surrogates.
        _fail(
            f"{error.object!r} is not valid UTF-8",
            "only paths of photos and folders may be in another encoding",
            ExitCode.USAGE,
        )
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _fail(f"{where}{error.strerror or error}", None, ExitCode.ERROR)


def _usage(error: click.UsageError) -> str:
    """Return the message of a usage error, with the names of arguments without brackets."""
    message = _OPTIONAL.sub(r"'\1'", error.format_message().removesuffix("."))
    return message[0].lower() + message[1:]


def _open_missing_streams() -> None:
    """Open the null device for standard streams that the caller has closed (``>&-``).

    Otherwise the next opened file would get the number of a standard stream, and the output of a
    library would be written into it.
    """
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is not None:
            continue
        descriptor = os.open(os.devnull, os.O_RDWR)
        try:
            os.fstat(number)
        except OSError:
            os.dup2(descriptor, number)
        if descriptor != number:
            os.close(descriptor)
        # Open until the process ends, as standard streams are.
        setattr(sys, name, open(os.devnull, mode))  # noqa: PTH123, SIM115


def _escape_unprintable_characters() -> None:
    """Print characters that the terminal's encoding lacks as escapes, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _fail(message: str, hint: str | None, code: ExitCode) -> NoReturn:
    from facerec.cli.numbers import shorten_digits
    from facerec.cli.output import say

    say(f"error: {shorten_digits(message)}", fg="red", err=True)
    if hint:
        say(f"hint: {hint}", err=True)
    sys.exit(code)
