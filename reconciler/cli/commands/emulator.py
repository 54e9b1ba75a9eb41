"""`peak-reconciler emulator`: serve an emulated API until told to stop."""

from __future__ import annotations

import ipaddress
import signal
import threading
from pathlib import Path

import click

from reconciler.cli.embedded import emulator_server_class
from reconciler.emulator import PROFILES, parse_fault, parse_profiles
from reconciler.errors import UsageError

_EPILOG = f"""\b
Profiles, any of which go together save the four about tokens:
  {", ".join(sorted(PROFILES)[:6])},
  {", ".join(sorted(PROFILES)[6:12])},
  {", ".join(sorted(PROFILES)[12:])},
  all (all of them but spoke, with token-masked)

\b
Faults, written KIND[:SETTING...][@[METHOD][/PATH]]:
  KIND      latency, slow-body (both take a duration), drop-before, drop-after,
            truncated, not-json, queue-full, or a status from 400 to 599, which
            may end in -seconds or -date (a Retry-After, takes a duration),
            -text or -message (other bodies), -after (the request is carried out)
  SETTING   a duration (50ms, 1.5s), a probability (0.2, 20%), xN (only the first
            N times), +N (N requests pass first); for a kind that takes a
            duration, a bare number is seconds
  METHOD    one HTTP method; /PATH is a shell pattern for the whole path

\b
Examples: latency:50ms   500:0.1@GET   429-seconds:1   drop-after:x1@POST
          "503:+2:x1@PUT/workflows/*"
"""


@click.command(epilog=_EPILOG)
@click.option(
    "--port",
    metavar="PORT",
    type=click.IntRange(0, 65535),
    required=True,
    help="Port to listen on; 0 takes any free one.",
)
@click.option(
    "--host", metavar="ADDRESS", default="127.0.0.1", show_default=True, help="Address to listen on."
)
@click.option("--allow-remote", is_flag=True, help="Let --host be other than loopback.")
@click.option("--data", type=click.Path(dir_okay=False, path_type=Path), help="File that keeps the state.")
@click.option("--token", metavar="TOKEN", help="The only Authorization let in; any is when left out.")
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    metavar="NAME[,NAME...]",
    help="How workflows read back; repeatable.",
)
@click.option(
    "--fault", "faults", multiple=True, metavar="SPEC", help="A misfortune of requests; repeatable."
)
@click.option(
    "--seed", metavar="N", type=int, default=0, show_default=True, help="What chance is seeded with."
)
@click.option(
    "--request-log",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File that each request is appended to as JSON.",
)
@click.option(
    "--step-seconds",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=0.2,
    show_default=True,
    help="How long a step of a run takes.",
)
def command(  # noqa: PLR0913, PLR0917 - one for each option
    port: int,
    host: str,
    allow_remote: bool,
    data: Path | None,
    token: str | None,
    profiles: tuple[str, ...],
    faults: tuple[str, ...],
    seed: int,
    request_log: Path | None,
    step_seconds: float,
) -> None:
    """Serve an emulated Peak workflows API until SIGINT or SIGTERM.

    Prints one line when it is ready: "listening on http://127.0.0.1:PORT".
    """
    if not (allow_remote or _is_loopback(host)):
        raise UsageError(
            f"{host} is not a loopback address", hint="--allow-remote listens there all the same."
        )
    server = emulator_server_class()(
        host=host,
        port=port,
        profile=parse_profiles(profiles),
        faults=tuple(parse_fault(fault) for fault in faults),
        token=token,
        data=data,
        seed=seed,
        step_seconds=step_seconds,
        request_log=request_log,
    )
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with server:
        click.echo(f"listening on {server.url}")
        stopped.wait()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
