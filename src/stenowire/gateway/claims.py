"""Who holds which recognition: one session at a time, the latest that its client has opened.

A client that lost its connection may be back before the server has noticed. In: claims, by tenant. Out: word to the
holder that another one has come. Claims of different tenants never meet. It knows of this process alone: behind
several, a client that comes back elsewhere leaves its former session to its timers, which costs no word.
"""

from collections.abc import Callable

import msgspec

from stenowire.errors import Superseded
from stenowire.types import Claim

TAKEN = "another connection has taken this session over"


class Held(msgspec.Struct, eq=False):
    epoch: int
    let_go: Callable[[], None]


class Claims:
    def __init__(self) -> None:
        self._held: dict[tuple[str, str], Held] = {}

    def take(self, tenant: str, claim: Claim, let_go: Callable[[], None]) -> Callable[[], None]:
        """Hold it, and tell whoever held it before by its `let_go`; returns how to give it back, at any time.

        Raises Superseded where a later connection of this client holds it already.
        """
        key = (tenant, claim.session)
        former = self._held.get(key)
        if former is not None and former.epoch > claim.epoch:
            raise Superseded(TAKEN)
        mine = self._held[key] = Held(claim.epoch, let_go)
        if former is not None:
            former.let_go()

        def give_back() -> None:
            if self._held.get(key) is mine:
                del self._held[key]

        return give_back
