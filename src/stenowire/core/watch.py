"""The patience of a session: with a client that sends nothing, and with audio in which nobody speaks.

In: when audio came, how far it has been heard, the time. Out: errors that end the session, signs of life, and when a
final is due.
Sending is counted in wall time, silence in audio time.
"""

from stenowire.errors import NoAudio, ResponseTimeout, StenowireError
from stenowire.types import SESSION_RATE_HZ, Limits

ALIVE_EVERY_S = 10.0


class Watch:
    def __init__(self, limits: Limits, heartbeat: bool, now: float, heard: int = 0) -> None:
        self._limits = limits
        self._heartbeat = heartbeat
        self.began_at = now
        self._last_audio_at: float | None = None
        self._last_speech = heard
        self._last_alive = heard

    def audio(self, now: float) -> None:
        """Audio came."""
        self._last_audio_at = now

    @property
    def has_audio(self) -> bool:
        return self._last_audio_at is not None

    @property
    def next_tick(self) -> float | None:
        """When patience ends, None when it does not."""
        if self._last_audio_at is None:
            return None if self._limits.first_audio_s is None else self.began_at + self._limits.first_audio_s
        return None if self._limits.stall_s is None else self._last_audio_at + self._limits.stall_s

    def overdue(self) -> StenowireError:
        """What to fail with when patience has ended."""
        if self._last_audio_at is None:
            return NoAudio(f"request timeout after {round(self._limits.first_audio_s or 0)} seconds.")
        return ResponseTimeout("Response timeout!")

    def due(self, clip_end: int, now: float, remaining_ms: int) -> float:
        """When a final is wanted. Audio sent faster than it was spoken may wait for those who speak now."""
        spoken_at = self.began_at + clip_end / SESSION_RATE_HZ
        return max(now, spoken_at) + remaining_ms / 1000

    def silence(self, heard: int, speech: bool) -> StenowireError | bool:
        """Audio has been heard up to this sample. An error: silence lasts too long; True: tell that we are alive."""
        if speech:
            self._last_speech = self._last_alive = heard
            return False
        if self._heartbeat:
            alive = heard - self._last_alive >= ALIVE_EVERY_S * SESSION_RATE_HZ
            self._last_alive = heard if alive else self._last_alive
            return alive
        limit_s = self._limits.silence_s
        if limit_s is not None and heard - self._last_speech >= limit_s * SESSION_RATE_HZ:
            return ResponseTimeout(f"no speech for {limit_s:.0f} seconds; set heartbeat to stay connected")
        return False
