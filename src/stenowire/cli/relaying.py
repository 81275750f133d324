"""`stenowire relay`: its options and help.

In: the command line. Out: an exit status. What it does is in `relay`, which is imported only when it is called.
"""

from typing import Annotated

import typer

RELAY = (
    "[bold]stenowire relay --to wss://speech.example.org[/bold]\n\n"
    "[bold]stenowire relay --to ws://one:8090 --to ws://two:8090 --port 9000[/bold]\n\n"
    "Then point programs at ws://127.0.0.1:8091 as you would point them at the server.\n\n"
    "Status: 0 stopped, 1 stopped with clients cut off, 2 wrong usage, 3 no server can be reached."
)


def relay(
    to: Annotated[
        list[str], typer.Option(metavar="URL", help="The server. Several times: the next one is tried when one fails.")
    ],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8091,
    api_key: Annotated[
        str | None,
        typer.Option(
            help="Key for clients that send none.", show_default="$STENOWIRE_API_KEY, then $DASHSCOPE_API_KEY"
        ),
    ] = None,
    keep: Annotated[float, typer.Option(min=10, max=3600, metavar="S", help="Seconds of audio kept per client.")] = 300,
    patience: Annotated[
        float, typer.Option(min=0, metavar="S", help="How long servers may be away before a client is told.")
    ] = 60,
    resend_speed: Annotated[
        float,
        typer.Option(min=0, metavar="X", help="Times real time, for audio sent again to other makes; 0: at once."),
    ] = 4,
    connections: Annotated[int, typer.Option(min=1, max=10_000, metavar="N", help="Clients at once.")] = 64,
    drain: Annotated[float, typer.Option(min=0, metavar="S", help="For the last answers when it stops.")] = 10,
) -> int:
    """Stand between programs and a server, so that broken connections cost them nothing."""
    from stenowire.cli.relay import Job
    from stenowire.cli.relay import relay as command
    from stenowire.client.aio import found_key

    job = Job(
        to=tuple(to),
        host=host,
        port=port,
        key=found_key(api_key),
        keep_s=keep,
        patience_s=patience,
        resend_speed=resend_speed,
        connections=connections,
        drain_s=drain,
    )
    return command(job)
