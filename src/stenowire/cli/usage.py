"""`stenowire usage`: what each key used on each day.

In: which days, whose. Out: a table. A server writes its sums every few seconds.
"""

import time
from datetime import UTC, datetime
from pathlib import Path

from stenowire.cli.administration import opened, show


def usage(tenant: str | None, days: int, as_json: bool, data: Path | None, config: Path | None) -> None:
    from stenowire.store.quotas import DAY_S
    from stenowire.store.usage import Usage

    today = int(time.time() // DAY_S)
    with opened(data, config) as accounts:
        used = Usage(accounts.store).read(today - days + 1, tenant)
    rows = [
        {
            "day": datetime.fromtimestamp(row.day * DAY_S, UTC).strftime("%Y-%m-%d"),
            "tenant": row.tenant,
            "key": row.key or None,
            "sessions": row.sessions,
            "requests": row.requests,
            "audio_s": round(row.audio_ms / 1000, 1),
        }
        for row in used
    ]
    show(rows, as_json)
