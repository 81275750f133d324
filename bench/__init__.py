"""Measurements of a running server against the engines' own programs, side by side in one run.

    .venv/bin/python -m bench [all|accuracy|latency|stability|timestamps|dialects|formats|biasing|load]... [--quick]

Everything here sees the server as a client does: through the WebSocket, its /metrics page and its process times.
It imports nothing of `stenowire`, so a number can only be right if the product is; the exceptions,
`dialect_work.py`, `formats_work.py` and `biasing/work.py`, measure what no client can see. Rows go to `RESULTS.md`,
raw events to `.cache/bench/*.jsonl`.
The tools and the peers live in an environment of their own (`environment.py`).
"""
