"""Search for the text of a clip that has no upper band.

Input: a `Network`, a clip and what it heard. Output: a text, as a search gives it. Must not know words or times.

Without the upper half of the band the model is less sure, and heeds hum below all voices. It listens once more without
the hum; of the likeliest texts of both hearings that one wins which is likeliest in both (dev/LOG.md, "Telephone, heard
twice"). It costs as much again as the one search.
"""

import numpy as np

from stenowire.audio.narrowband import without_hum
from stenowire.engines.moonshine.decode import Decoded, likeliest
from stenowire.engines.moonshine.network import Heard, Network
from stenowire.engines.moonshine.score import score
from stenowire.types import Samples

TEXTS = 2
"""Of each hearing. More gain nothing."""


def heard_twice(network: Network, clip: Samples, heard: Heard, cap: int) -> Decoded:
    """At most `cap` tokens. `heard` is what came of `clip`; both hearings have the same frames."""
    again = network.encode(network.listen(without_hum(clip)))
    found = {tuple(text.tokens): text for hearing in (again, heard) for text in likeliest(network, hearing, cap, TEXTS)}
    texts = list(found)
    if len(texts) == 1:
        return found[texts[0]]
    sums = np.add(score(network, heard, texts), score(network, again, texts))
    return found[texts[int(sums.argmax())]]
