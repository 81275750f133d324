"""ID3v2 tags, which stand in front of MP3, ADTS and sometimes FLAC (id3.org, "ID3 tag version 2.4.0").

Input: the first bytes of one. Output: its length; what is in it is nobody's concern here.
"""

MAGIC = b"ID3"
HEADER_BYTES = 10
FLAGS_AT, SIZE_AT = 5, 6
FOOTER = 0x10


def tag_bytes(head: bytes | bytearray) -> int:
    """How long the tag is, cover pictures and all, whose header this is; 0 where none begins."""
    size = head[SIZE_AT:HEADER_BYTES]
    if not head.startswith(MAGIC) or len(size) < 4 or max(size) > 0x7F:
        return 0
    footer = HEADER_BYTES if head[FLAGS_AT] & FOOTER else 0
    return HEADER_BYTES + (size[0] << 21 | size[1] << 14 | size[2] << 7 | size[3]) + footer
