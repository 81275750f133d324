"""A dictionary of a few words, so that these tests need no download."""

from functools import cache

from stenowire.biasing.pronounce import Lexicon, parse

WORDS = """\
a AH0
a(2) EY1
a. EY1
and AH0 N D
b. B IY1
bird B ER1 D
bracket B R AE1 K AH0 T
bulge B AH1 L JH
bulk B AH1 L K
cat K AE1 T
cab K AE1 B
bracket's B R AE1 K AH0 T S
dot D AA1 T
eight EY1 T
g. JH IY1
idols AY1 D AH0 L Z
idyll AY1 D AH0 L
jacket JH AE1 K AH0 T
j. JH EY1
met M EH1 T
men M EH1 N
four F AO1 R
node N OW1 D
p. P IY1
rock R AA1 K
s. EH1 S
t. T IY1
table T EY1 B AH0 L
the DH AH0
to T UW1
torch T AO1 R CH
py P AY1
x. EH1 K S
engine EH1 N JH AH0 N
"""


@cache
def lexicon() -> Lexicon:
    return parse(WORDS)
