"""A writer in a process of its own: `python many_writers.py DATA`. Each line on stdout acknowledges one write."""

import sys
from pathlib import Path

from stenowire.settings import Settings
from stenowire.store.accounts import Accounts
from stenowire.store.connect import Store
from stenowire.store.entries import Entry
from stenowire.store.pepper import Pepper
from stenowire.store.vocabularies import Vocabularies

if __name__ == "__main__":
    settings = Settings.load(data=Path(sys.argv[1]))
    store = Store.of(settings)
    accounts, lists = Accounts(store, Pepper.of(settings)), Vocabularies(store, 0)
    while True:
        print(accounts.create_key("acme")[0], flush=True)
        print(lists.create("acme", "words", "fun-asr-realtime", [Entry(text="Bulge Bracket", weight=4)]).id, flush=True)
