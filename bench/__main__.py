"""The command line: which parts to run, and what happens when one of them fails.

    .venv/bin/python -m bench [PART]... [--quick]

PART is all, or one of PARTS below. A whole run appends its tables to RESULTS.md and takes up to half an hour a part;
`--quick` takes a handful of recordings, prints only, and proves that the bench itself works. Several parts are summed
up at the end in one table of all that is to be reached. Leaves with 1 when a part could not be measured.
"""

import argparse
import importlib
import sys
import time
import traceback

from bench import environment, report

PARTS = ("accuracy", "latency", "stability", "timestamps", "dialects", "formats", "robustness", "biasing", "load")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the server and its peers.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"all (the default), or some of {', '.join(PARTS)}")
    parser.add_argument(
        "--quick", action="store_true", help="a minute or two a part, to see that it works; records nothing"
    )
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.parts) - {*PARTS, "all"}:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    if not environment.inside():
        return environment.reenter(arguments)
    parts = PARTS if not chosen.parts or "all" in chosen.parts else chosen.parts
    ran = [_run(part, chosen.quick) for part in parts]
    measured = all(done for _, done in ran)
    if len(ran) > 1:
        report.publish(report.targets([table for table, _ in ran]), record=measured and not chosen.quick)
    return 0 if measured else 1


def _run(part: str, quick: bool) -> tuple[report.Table, bool]:
    """Measure and publish one part; a failure becomes a row, and the other parts still run."""
    print(f"== {part}", flush=True)
    begun = time.monotonic()
    table = report.Table(part)
    measured = False
    try:
        from bench import corpus

        if reason := corpus.missing():
            table.add("everything", f"not run: {reason}")
        else:
            table = importlib.import_module(f"bench.{part}").measure(quick)
            measured = True
    except Exception as error:
        traceback.print_exc()
        table.add("everything", f"not run: {type(error).__name__}: {' '.join(str(error).split())[:200]}")
    report.publish(table, record=measured and not quick)
    print(f"{part} took {time.monotonic() - begun:.0f} s", flush=True)
    return table, measured


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
