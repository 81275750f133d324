// Hear a stretch of the tape again.

const AROUND_MS = 120;

export class Player {
  constructor() {
    this.tape = null;
  }

  // False when the tape has forgotten it.
  play(begin_ms, end_ms) {
    const tape = this.tape;
    if (!tape) return false;
    const from = Math.round(((begin_ms - AROUND_MS) * tape.rate) / 1000);
    const to = Math.min(tape.end, Math.round(((end_ms + AROUND_MS) * tape.rate) / 1000));
    if (to <= tape.begin) return false;
    this.stop();
    this.context ??= new AudioContext();
    this.context.resume();
    const begin = Math.max(from, tape.begin);
    const sound = this.context.createBuffer(1, to - begin, tape.rate);
    for (let at = begin; at < to; at += tape.rate) {
      sound.copyToChannel(Float32Array.from(tape.read(at, to), (sample) => sample / 32768), 0, at - begin);
    }
    this.source = this.context.createBufferSource();
    this.source.buffer = sound;
    this.source.connect(this.context.destination);
    this.source.start();
    return true;
  }

  stop() {
    this.source?.stop();
    this.source = null;
  }
}
