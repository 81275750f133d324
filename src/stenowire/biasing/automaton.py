"""Which tokens lead into a term, and what each is worth: an Aho-Corasick automaton that a search walks along.

Input: terms as token ids, each with a boost in nats. Output: per token what it adds to a text's score. Must not know
words, audio or an engine; it is told which tokens continue a word.

After Aho and Corasick, "Efficient string matching: an aid to bibliographic search" (1975). Deeper tokens earn more, as
a term that is half written is more likely to be meant. What a beginning earned is only held: it is taken back when the
term is not finished, or runs on into a longer word. So a text gains by whole terms alone, whatever it began.
"""

import math
from collections import deque
from collections.abc import Iterable, Sequence, Set
from typing import NamedTuple

Node = int
ROOT: Node = 0
"""Where every text begins: no term is under way."""
RATIOS = {1: 0.25, 2: 0.5, 3: 0.75, 4: 1.0, 5: 1.25, 50: 3.0}
"""A hot word's weight -> its share of the boost; 4 is what clients send when they have no opinion."""


class Phrase(NamedTuple):
    tokens: tuple[int, ...]
    boost: float
    """Nats for the first token, above 0."""
    term: int = 0
    """The caller's own number of the term; several phrases may write one term."""


class Found(NamedTuple):
    """A term in a text: its tokens are `begin` to `end`, the last one excluded."""

    term: int
    begin: int
    end: int


def worth(depth: int) -> float:
    """What the token at `depth`, from 1, earns per nat of boost."""
    return 1 + math.log(depth)


class Automaton:
    def __init__(self, phrases: Iterable[Phrase], continuing: Set[int]) -> None:
        """`continuing` tokens lengthen the word before them; a term before one of them was not finished."""
        self._continuing = continuing
        self._following: list[dict[int, Node]] = [{}]
        self._held = [0.0]
        """What is taken back when the term under way here is not finished."""
        self._earned = [0.0]
        """What a term that ends here is worth."""
        self._shorter: list[Node] = [ROOT]
        """The longest other term under way here: where a failed one goes on."""
        self._ends: list[Phrase | None] = [None]
        for phrase in phrases:
            self._add(phrase)
        self._link()

    def __len__(self) -> int:
        return len(self._held)

    def step(self, node: Node, token: int) -> tuple[Node, float]:
        """Where `token` leads, and what it adds to the score; less than 0 where it takes back."""
        after = self._after(node, token)
        earned = 0.0 if token in self._continuing else self._earned[node]
        return after, self._held[after] - self._held[node] + earned

    def end(self, node: Node) -> float:
        """What the end of a text adds to its score."""
        return self._earned[node] - self._held[node]

    def held(self, node: Node) -> float:
        """What may yet be taken back."""
        return self._held[node]

    def wanted(self, node: Node) -> list[int]:
        """Tokens that go on with a term that is under way, the longest first; none at the root."""
        found: dict[int, None] = {}
        while node != ROOT:
            found |= dict.fromkeys(self._following[node])
            node = self._shorter[node]
        return list(found)

    @property
    def first(self) -> list[int]:
        """Tokens that begin a term."""
        return list(self._following[ROOT])

    def find(self, tokens: Sequence[int]) -> list[Found]:
        """The terms that a text finishes, in order; none that lies within a longer one."""
        found: list[Found] = []
        node = ROOT
        for at, token in enumerate([*tokens, -1]):
            if token not in self._continuing and (phrase := self._ending(node)):
                begin = at - len(phrase.tokens)
                while found and found[-1].begin >= begin:
                    found.pop()
                if not found or found[-1].end < at:
                    found.append(Found(phrase.term, begin, at))
            node = self._after(node, token)
        return found

    def _after(self, node: Node, token: int) -> Node:
        while (after := self._following[node].get(token)) is None and node != ROOT:
            node = self._shorter[node]
        return after or ROOT

    def _ending(self, node: Node) -> Phrase | None:
        while node != ROOT:
            if (phrase := self._ends[node]) is not None:
                return phrase
            node = self._shorter[node]
        return None

    # ---- building -----------------------------------------------------------------------------------------------

    def _add(self, phrase: Phrase) -> None:
        node = ROOT
        for token in phrase.tokens:
            node = self._following[node].get(token) or self._grow(node, token)
        known = self._ends[node]
        if node != ROOT and (known is None or known.boost < phrase.boost):
            self._ends[node] = phrase

    def _grow(self, node: Node, token: int) -> Node:
        new = len(self._held)
        self._following[node][token] = new
        self._following.append({})
        self._held.append(0.0)
        self._earned.append(0.0)
        self._shorter.append(ROOT)
        self._ends.append(None)
        return new

    def _link(self) -> None:
        """Boosts from the leaves to the root, then links and sums from the root to the leaves."""
        boosts = [phrase.boost if phrase else 0.0 for phrase in self._ends]
        # A node is always younger than the one before it.
        for node in reversed(range(len(self._held))):
            boosts[node] = max([boosts[node], *(boosts[after] for after in self._following[node].values())])
        waiting = deque([(ROOT, 0)])
        while waiting:
            node, depth = waiting.popleft()
            if node != ROOT:
                self._earned[node] = self._held[node] if self._ends[node] else self._earned[self._shorter[node]]
            for token, after in self._following[node].items():
                self._shorter[after] = self._after(self._shorter[node], token) if node != ROOT else ROOT
                # A finished term keeps what it earned: only what comes after it can be lost.
                is_finished = self._ends[node] is not None and token not in self._continuing
                before = 0.0 if is_finished else self._held[node]
                self._held[after] = before + boosts[after] * worth(depth + 1)
                waiting.append((after, depth + 1))
