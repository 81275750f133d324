// The sound of the last ten minutes: what a lost connection is sent again from, and what can be heard again.
// Positions count samples since the talk began. Memory is bounded: the oldest goes when the tape is full.

export const TAPE_S = 600;

export class Tape {
  constructor(rate) {
    this.rate = rate;
    this.begin = 0;
    this.end = 0;
    this.pieces = [];
  }

  append(samples) {
    this.pieces.push({ at: this.end, samples, came: performance.now(), peak: peak(samples) });
    this.end += samples.length;
    while (this.end - this.begin > TAPE_S * this.rate) {
      this.begin += this.pieces.shift().samples.length;
    }
  }

  // At most a second of samples from there on.
  read(from, to = this.end) {
    const end = Math.min(to, from + this.rate, this.end);
    const out = new Int16Array(Math.max(0, end - from));
    for (let index = this.find(from); index < this.pieces.length; index += 1) {
      const { at, samples } = this.pieces[index];
      if (at >= end) break;
      const begin = Math.max(from, at);
      out.set(samples.subarray(begin - at, Math.min(end, at + samples.length) - at), begin - from);
    }
    return out;
  }

  // When the sample came, on the clock of performance.now(); null when that is forgotten.
  cameAt(position) {
    return this.pieces[this.find(position)]?.came ?? null;
  }

  // The pieces that lie between two positions.
  between(from, to) {
    const first = this.find(Math.max(from, this.begin));
    const out = [];
    for (let index = first; index < this.pieces.length && this.pieces[index].at < to; index += 1) {
      out.push(this.pieces[index]);
    }
    return out;
  }

  find(position) {
    let low = 0;
    let high = this.pieces.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const { at, samples } = this.pieces[middle];
      if (at + samples.length <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function peak(samples) {
  let highest = 0;
  for (let at = 0; at < samples.length; at += 4) highest = Math.max(highest, Math.abs(samples[at]));
  return highest / 32768;
}
