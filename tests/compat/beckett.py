"""What is said in `beckett.wav`, which the embedded model's package carries: ten seconds at 16 kHz."""

FIRST_SAID = "ever tried ever failed no matter try again"
LAST_SAID = "fail again fail better"
LAST_S = (6.0, 9.2)
"""Where the last two sentences are; a second of silence lies before them."""
