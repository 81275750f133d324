"""One of many processes on one store: `python account_worker.py DATA URL ROUNDS`, with a pepper in the environment.

It starts as a server does, then makes and revokes keys and adds up usage. It prints the key of the first start, if it
made one.
"""

import sys
from pathlib import Path

from stenowire.settings import Settings
from stenowire.store.keys import KeyRing
from stenowire.store.usage import Usage

if __name__ == "__main__":
    data, url, rounds = sys.argv[1:]
    ring = KeyRing.open(Settings.load(data=Path(data), store=url))
    print(ring.made or "none", flush=True)
    for _ in range(int(rounds)):
        key, made = ring.accounts.create_key("acme")
        ring.refresh()
        ring.find(key)
        ring.accounts.revoke(made.id)
        usage = Usage(ring.accounts.store)
        usage.add("shared", "acme", sessions=1, audio_ms=100)
        usage.write(usage.take())
