"""The command `marginwatch`. Each subcommand is a module in local/commands, imported when used."""

from __future__ import annotations

import difflib
import importlib
import sys
import traceback

import click

from local.errors import LocalError, NotRunningError

COMMANDS = {
    "demo": "Play a falling market through the whole system and judge the outcome.",
    "up": "Start the whole system and leave it running.",
    "down": "End the running system.",
    "status": "What is running, where, and how it does.",
    "observe": "Print events from the topics as they come.",
    "accounts": "The accounts and where each stands.",
    "explain": "How each figure of an account came about.",
    "compare": "Regulation T beside portfolio margin for the same book.",
    "workflow": "The cases of the ladder, step by step.",
    "audit": "Check the chain of decisions.",
    "rules": "The rates and thresholds, their sources, and what changed.",
    "doctor": "Check what this machine has and lacks.",
    "bench": "How fast this machine computes margin.",
    "package": "The streaming job as EMR Serverless wants it, in a folder.",
    "cost": "What AWS would charge: before a deploy, and for what a run here did.",
    "aws": "The system in an AWS account, and nothing of it afterwards.",
}
INTERRUPTED = 130


class LazyGroup(click.Group):
    """Imports a command's module when it is asked for, so that --help and completion stay fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command = importlib.import_module(f"local.commands.{name}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"one of {', '.join(COMMANDS)}"
            ctx.fail(f"no such command {args[0]!r}; {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Examples: `marginwatch demo`; `marginwatch doctor`; `marginwatch audit verify`.",
)
@click.version_option(package_name="marginwatch", prog_name="marginwatch")
@click.option("-v", "--verbose", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def cli(ctx: click.Context, verbose: bool) -> None:
    """Marginwatch: a real-time margin risk monitor.

    Data goes to standard output, progress and notes to standard error. Exit codes: 0 done;
    1 something was found wrong; 2 usage; 3 not running or not reachable; 4 something is missing
    on this machine; 5 timed out; 130 interrupted.
    """
    ctx.obj = {"verbose": verbose}


def main() -> None:
    """Entry point: turns what can go wrong into one line and an exit code."""
    verbose = any(a in ("-v", "--verbose") for a in sys.argv[1:])
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        code = INTERRUPTED
    except KeyboardInterrupt:
        code = INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except LocalError as error:
        if verbose:
            traceback.print_exc()
        click.echo(f"marginwatch: {error}", err=True)
        code = error.exit_code
    except Exception as error:
        if not _is_unreachable(error):
            raise
        if verbose:
            traceback.print_exc()
        click.echo(f"marginwatch: a part of the system cannot be reached: {error}", err=True)
        code = NotRunningError.exit_code
    sys.exit(code if isinstance(code, int) else 0)


def _is_unreachable(error: Exception) -> bool:
    """Told by its origin: importing the clients here would slow down every command."""
    return type(error).__module__.partition(".")[0] in ("botocore", "kafka")


if __name__ == "__main__":
    main()
