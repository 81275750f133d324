"""The options and the help of `stenowire transcribe` and `stenowire listen`.

In: the command line. Out: a job for the module that does it, which is imported only then.
"""

from pathlib import Path
from typing import Annotated

import typer

from stenowire.cli import options
from stenowire.cli.exits import Status, Stop

TRANSCRIBE = """[bold]stenowire transcribe talk.wav[/bold]

[bold]stenowire transcribe talk.mp3 -f srt -o talk.srt[/bold]

[bold]stenowire transcribe talks/ -f vtt -o captions/[/bold]  call it again to go on after an interruption

[bold]stenowire transcribe - --url ws://host:8090 < talk.wav[/bold]

[bold]stenowire transcribe talk.wav -w "Bulge Bracket" --context agenda.txt[/bold]

Status: 0 done, 1 failed or some files failed, 2 wrong usage, 3 no connection, 4 key refused, 5 unreadable audio, \
130 Ctrl-C."""

LISTEN = """[bold]stenowire listen[/bold]

[bold]stenowire listen --url ws://host:8090 -f srt -o talk.srt[/bold]

[bold]stenowire listen --device "USB" --noise-reduction auto --echo-cancel[/bold]

[bold]stenowire listen --list-devices[/bold]

Status: 130 after Ctrl-C, which is how it ends; 1 no microphone, or failed; 2, 3 and 4 as for transcribe."""


def transcribe(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE", help="Recordings, folders of them, or - for standard input.", show_default=False
        ),
    ],
    model: options.Model = options.USUAL_MODEL,
    url: options.Url = None,
    api_key: options.ApiKey = None,
    format: Annotated[options.Format, typer.Option("--format", "-f", help="What to write.")] = options.Format.text,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="PATH", help="A file for one recording, a folder for several."),
    ] = None,
    language: options.Language = None,
    hot_word: options.HotWords = None,
    words: options.Words = None,
    vocabulary_id: options.VocabularyId = None,
    context: options.Context = None,
    noise_reduction: options.NoiseReduction = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, max=64, help="Recordings at once.", show_default="cores, up to 4"),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Make results anew that are there already.")] = False,
    suffix: Annotated[
        list[str] | None, typer.Option(metavar=".EXT", help="What to look for in folders instead of the usual endings.")
    ] = None,
    allow_urls: Annotated[bool, typer.Option("--allow-urls", help="Fetch recordings from http and https.")] = False,
    realtime: Annotated[bool, typer.Option("--realtime", help="Feed a wav file at the pace it was spoken.")] = False,
) -> int:
    """Turn recordings into text or subtitles."""
    from stenowire.cli.batch import transcribe_all
    from stenowire.cli.inputs import SUFFIXES, alone
    from stenowire.cli.transcribe import Job
    from stenowire.cli.transcribe import transcribe as transcribe_one
    from stenowire.cli.wishes import Asked

    asked = Asked(
        model=model,
        language=language,
        hot_words=hot_word or (),
        words=words,
        vocabulary_id=vocabulary_id,
        context=context,
        noise_reduction=noise_reduction.value if noise_reduction else None,
    )
    job = Job(
        given=tuple(files),
        asked=asked,
        url=url,
        key=options.found_key(api_key),
        format=format.value,
        realtime=realtime,
        output=output,
        suffixes=tuple("." + one.lower().lstrip(".") for one in suffix) if suffix else SUFFIXES,
        allow_urls=allow_urls,
        overwrite=overwrite,
        jobs=jobs,
    )
    return transcribe_one(job) if alone(job.given, job.output) else transcribe_all(job)


def listen(
    device: Annotated[
        str | None, typer.Option("--device", "-d", metavar="NAME", help="Microphone: a number, a name or a part of it.")
    ] = None,
    list_devices: Annotated[bool, typer.Option("--list-devices", help="Show the microphones and leave.")] = False,
    model: options.Model = options.USUAL_MODEL,
    url: options.Url = None,
    api_key: options.ApiKey = None,
    format: Annotated[
        options.Format, typer.Option("--format", "-f", help="What to write to the file or the pipe.")
    ] = options.Format.text,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write sentences here as they come.")
    ] = None,
    language: options.Language = None,
    hot_word: options.HotWords = None,
    words: options.Words = None,
    vocabulary_id: options.VocabularyId = None,
    context: options.Context = None,
    noise_reduction: options.NoiseReduction = None,
    echo_cancel: Annotated[
        bool, typer.Option("--echo-cancel", help="Take out what this machine's loudspeaker plays.")
    ] = False,
    far_end: Annotated[
        str | None, typer.Option(metavar="NAME", help="The device that gives back what is played, for --echo-cancel.")
    ] = None,
    played: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="Hear a wav file at its pace instead of a microphone.")
    ] = None,
) -> int:
    """Caption a microphone, live, until Ctrl-C."""
    if list_devices:
        from stenowire.cli.hearing import list_devices as show

        return show()
    if played is not None and (device is not None or echo_cancel):
        raise Stop(Status.USAGE, "--from stands in for a microphone: no --device and no --echo-cancel beside it")
    from stenowire.cli.listen import Job
    from stenowire.cli.listen import listen as command
    from stenowire.cli.wishes import Asked

    asked = Asked(
        model=model,
        language=language,
        hot_words=hot_word or (),
        words=words,
        vocabulary_id=vocabulary_id,
        context=context,
        noise_reduction=noise_reduction.value if noise_reduction else None,
    )
    job = Job(
        asked=asked,
        url=url,
        key=options.found_key(api_key),
        device=device,
        played=played,
        echo_cancel=echo_cancel or far_end is not None,
        far_end=far_end,
        format=format.value,
        output=output,
    )
    return command(job)
