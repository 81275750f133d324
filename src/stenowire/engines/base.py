"""What an engine is: data about itself, and five calls.

An engine recognises clips of speech. It knows nothing of sockets, sessions, clocks or event loops; it is called from
worker threads, one call per state at a time, several states in parallel. Every engine passes the same contract suite.
"""

from collections.abc import Sequence
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec

from stenowire.types import EngineInfo, Hint, Hypothesis, Samples

Effort = Literal["greedy", "beam"]


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One speaker's part of a step."""

    state: Any
    """What `open` returned."""
    clip: Samples
    """float32[n] at `info.rate_hz`: all audio of the utterance so far. Only read."""
    again: Samples | None = None
    """float32[n] of a final in noise: the same moments with more of the noise taken away than the clip. An engine may
    listen to both."""
    settled: int = 0
    """How many words of the state's last hypothesis must open an interim unchanged."""
    final: bool = False
    effort: Effort = "greedy"


class Engine(Protocol):
    @property
    def info(self) -> EngineInfo: ...

    def open(self, hint: Hint) -> Any:
        """A fresh state for one utterance."""

    def step(self, jobs: Sequence[Job]) -> list[Hypothesis]:
        """One hypothesis per job, in order. A final job decodes its whole clip by itself, as if it were alone."""

    def close(self, state: Any) -> None:
        """Free the state. Calling it twice is harmless."""

    def warm_up(self) -> None:
        """Load and run once, so that the first speaker does not wait."""


@runtime_checkable
class Scorer(Protocol):
    """What an engine offers besides when it can tell how well a given text fits the audio."""

    def score(self, state: Any, texts: Sequence[str]) -> list[float]:
        """Log-probability of each text, its end included, on the clip of the state's last step; in nats.

        Each text begins with the settled words of that step, which an interim may no longer listen to.
        One teacher-forced batch: compare the results of one call only. Only states that were opened with hot words or
        context keep what they heard, until the next step or `close`. Raises LookupError when nothing is kept: there
        was no step, its clip was silent, or that of a final was longer than `info.max_ms`.
        """

    def score_openings(self, state: Any, texts: Sequence[str]) -> list[float]:
        """The same for texts that may go on: their end is not counted. Raises as `score` does."""

    def tokens(self, text: str) -> list[int]:
        """The engine's own pieces of a text: what `score` counts, and what it calls rare."""


class Proposal(msgspec.Struct, frozen=True):
    """A term that may have been said."""

    begin: int
    end: int
    """The words of the final in whose place it would stand: `[begin:end]`."""
    term: str
    """As its hot word has it."""


@runtime_checkable
class Proposer(Protocol):
    """What an engine offers besides when its search can lean towards the hot words of a state.

    The hypotheses stay what they are without hot words: a proposal is for others to weigh.
    """

    def proposals(self, state: Any) -> list[Proposal]:
        """Of the state's last final step; empty when it was greedy, or the list too long to lean towards."""
