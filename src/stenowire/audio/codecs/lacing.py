"""Several packets in one block of Matroska (RFC 9559, 10.3), and the numbers of EBML (RFC 8794, 4).

Input: what follows a block's header. Output: its packets.
"""

from itertools import accumulate, pairwise

from stenowire.errors import BadAudio

XIPH, FIXED, EBML = 0b010, 0b100, 0b110
"""How the sizes of all packets but the last are told; 0 is one packet."""


def number_bytes(first: int) -> int:
    """Bytes of a number whose first byte is this: its leading zero bits, and one."""
    return 9 - first.bit_length()


def unlaced(data: bytes, lacing: int) -> list[bytes]:
    """Raises BadAudio when the block is shorter than its packets."""
    if not lacing:
        return [data]
    count, at = (data[0] + 1, 1) if data else (1, 0)
    sizes: list[int] = []
    if lacing == FIXED:
        sizes = [(len(data) - at) // count] * (count - 1)
    while len(sizes) < count - 1 and at < len(data):
        if lacing == XIPH:
            begin = at
            while data[at : at + 1] == b"\xff":
                at += 1
            sizes.append(sum(data[begin : at + 1]))
            at += 1
        else:
            width = number_bytes(data[at])
            number = int.from_bytes(data[at : at + width], "big") & (1 << 7 * width) - 1
            # The first is a size; any other is what is added to the one before it.
            sizes.append(sizes[-1] + number - (1 << 7 * width - 1) + 1 if sizes else number)
            at += width
    sizes.append(len(data) - at - sum(sizes))
    if len(sizes) < count or min(sizes) < 0:
        raise BadAudio("the WebM stream is damaged: packets longer than their block")
    ends = list(accumulate(sizes, initial=at))
    return [data[begin:end] for begin, end in pairwise(ends)]
