"""`peak-reconciler emulator`: serve an emulated API until a signal stops it."""

from __future__ import annotations

import ipaddress
import signal
import time
from collections.abc import Callable
from pathlib import Path

import click

from reconciler.cli.help import command_of, option
from reconciler.cli.shell_completion import complete_words
from reconciler.emulator import SWITCHES, emulator_server_class, parse_fault, parse_profiles, profile_lines
from reconciler.errors import UsageError
from reconciler.tenant_profile import read_profile
from reconciler.timestamps import parse_timestamp

_EPILOG = f"""\b
Profiles, which combine freely except those of one group (see the reference of profiles):
{profile_lines()}
  all (every profile of the first family that combines, with token-masked)

\b
Faults, written KIND[:SETTING...][@[METHOD][/PATH]]:
  KIND      latency, slow-body (both take a duration), drop-before, drop-after,
            truncated, not-json, html, queue-full, or a status from 400 to 599, which
            may end in -seconds or -date (a Retry-After, takes a duration),
            -text or -message (other bodies), -after (the request is handled first)
  SETTING   a duration (50ms, 1.5s), a probability (0.2, 20%), xN (only the first
            N times), +N (N requests pass first), N/s (N requests a second pass); for
            a kind that takes a duration, a bare number is seconds
  METHOD    one HTTP method; /PATH is a shell pattern for the whole path

\b
For example latency:50ms, 500:0.1@GET, 429-seconds:1, drop-after:x1@POST,
503:+2:x1@PUT/workflows/*, 429-seconds:1:20/s (a limit of 20 requests a second)
"""


def _begin(_context: click.Context, _parameter: click.Parameter, value: str | None) -> float | None:
    """Return a date in epoch seconds."""
    try:
        return None if value is None else parse_timestamp(value).timestamp()
    except (ValueError, OverflowError):
        raise click.BadParameter("it must be a date such as 2027-03-01T00:00:00Z") from None


@command_of(
    "emulator",
    examples=(
        ("emulator --port 8080", "Serve an empty tenant; set PEAK_API_URL=http://127.0.0.1:8080 to use it"),
        ("emulator --port 8080 --data tenant.json", "Keep its workflows from one start to the next"),
        ("emulator --port 8080 --profile token-omitted,retry-spread", "Serve a platform with other habits"),
        ("emulator --port 8080 --fault '503:+2:x1@PUT/workflows/*'", "Fail the third update once"),
    ),
    epilog=_EPILOG,
)
@option(
    "--port",
    metavar="PORT",
    type=click.IntRange(0, 65535),
    required=True,
    help="Listen on PORT; 0 takes any free one.",
)
@option("--host", metavar="ADDRESS", default="127.0.0.1", help="Listen on ADDRESS.")
@option("--allow-remote", is_flag=True, help="Allow a --host that is not loopback.")
@option("--data", type=click.Path(dir_okay=False, path_type=Path), help="Keep the state in FILE.")
@option("--token", metavar="TOKEN", help="Accept only TOKEN as Authorization.", show_default="any")
@option(
    "--profile",
    "profiles",
    multiple=True,
    metavar="NAME[,NAME...]",
    help="Behaviours of the platform; repeatable.",
    shell_complete=complete_words((*SWITCHES, "all")),
)
@option(
    "--profile-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Behave as the tenant of this profile, which probe writes; --profile adds to it.",
)
@option("--fault", "faults", multiple=True, metavar="SPEC", help="Fault to inject into requests; repeatable.")
@option("--seed", metavar="N", type=int, default=0, help="Seed of everything random.")
@option(
    "--request-log",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Append each request to FILE as a line of JSON.",
)
@option(
    "--step-seconds",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=0.2,
    help="Duration of each step of an execution.",
)
@option(
    "--time",
    "begin",
    metavar="DATE",
    callback=_begin,
    help="Start the clock at DATE, such as 2027-03-01T00:00:00Z.",
    show_default="now",
)
@option(
    "--time-scale",
    "scale",
    metavar="N",
    type=click.FloatRange(min=0, max=1_000_000),
    default=1.0,
    help="Let the clock run N times as fast; 86400 is a day each second.",
)
def command(  # noqa: PLR0913, PLR0917 - one for each option
    port: int,
    host: str,
    allow_remote: bool,
    data: Path | None,
    token: str | None,
    profiles: tuple[str, ...],
    profile_file: Path | None,
    faults: tuple[str, ...],
    seed: int,
    request_log: Path | None,
    step_seconds: float,
    begin: float | None,
    scale: float,
) -> None:
    """Serve an emulated Peak workflows API until SIGINT or SIGTERM.

    Prints one line when it is ready: "listening on http://127.0.0.1:PORT".
    """
    if not (allow_remote or _is_loopback(host)):
        raise UsageError(f"{host} is not a loopback address", hint="Pass --allow-remote to listen there.")
    server = emulator_server_class()(
        host=host,
        port=port,
        profile=parse_profiles((*profiles, *_words(profile_file))),
        faults=tuple(parse_fault(fault) for fault in faults),
        token=token,
        data=data,
        seed=seed,
        step_seconds=step_seconds,
        request_log=request_log,
        clock=_clock(begin, scale),
    )
    ending = {signal.SIGINT, signal.SIGTERM}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ending)  # in the thread of the server, too
    try:
        with server:
            click.echo(f"listening on {server.url}")
            signal.sigwait(ending)  # unlike a handler, it misses none that comes just before the wait
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _clock(begin: float | None, scale: float) -> Callable[[], float]:
    """Return a clock that starts at a moment, in epoch seconds, and runs `scale` times as fast as ours."""
    started = time.time()
    first = started if begin is None else begin
    return lambda: first + (time.time() - started) * scale


def _words(profile_file: Path | None) -> tuple[str, ...]:
    """Return the behaviours that the profile of a tenant names."""
    return () if profile_file is None else read_profile(profile_file).switches


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
