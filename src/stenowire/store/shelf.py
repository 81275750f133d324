"""All that a server keeps on disk besides its keys: one database, and a folder of uploads.

Input: settings. Output: the stores. Nothing is opened or written before it is needed.
"""

from stenowire.settings import Settings
from stenowire.store import tasks, uploads
from stenowire.store.database import Database
from stenowire.store.tasks import Tasks
from stenowire.store.uploads import Uploads


class Shelf:
    def __init__(self, settings: Settings) -> None:
        self._database = Database(settings.data / "stenowire.db", tasks.SCHEMA + uploads.SCHEMA)
        self.tasks = Tasks(self._database)
        self.uploads = Uploads(self._database, settings.data / "uploads", settings.max_stored_bytes)

    @property
    def begun(self) -> bool:
        """Whether anything was ever put on it."""
        return self._database.begun

    def close(self) -> None:
        self._database.close()
