// How long after it was said each word was first seen: the median of the last minute, and a line through time.
// A word is new when it lies beyond all sound that had words so far, so a correction does not count as news.

const KEPT_MS = 60000;

export class Delays {
  constructor(canvas, text) {
    this.canvas = canvas;
    this.text = text;
    this.clear();
  }

  clear() {
    this.points = [];
    this.seen_ms = 0;
    this.text.textContent = "";
  }

  // A sentence as it stands, and the tape that knows when its sound came.
  see(sentence, tape) {
    const now = performance.now();
    for (const word of sentence.words) {
      if (word.begin_ms + word.end_ms <= 2 * this.seen_ms) continue;
      this.seen_ms = Math.max(this.seen_ms, word.end_ms);
      const came = tape.cameAt(Math.round((word.end_ms * tape.rate) / 1000) - 1);
      if (came !== null) this.points.push({ at: now, delay_ms: Math.max(0, now - came) });
    }
    this.points = this.points.filter((point) => now - point.at < KEPT_MS);
    this.show(now);
  }

  show(now) {
    if (!this.points.length) return;
    const ordered = this.points.map((point) => point.delay_ms).sort((a, b) => a - b);
    const median = ordered[ordered.length >> 1];
    this.text.textContent = `words after ${(median / 1000).toFixed(1)} s`;
    this.draw(now, Math.max(2000, ordered.at(-1)));
  }

  draw(now, most_ms) {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width) return;
    const ratio = devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    const pen = this.canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.fillStyle = getComputedStyle(this.canvas).getPropertyValue("--wave");
    for (const { at, delay_ms } of this.points) {
      const x = width - 2 - ((now - at) / KEPT_MS) * (width - 4);
      const y = height - 2 - (delay_ms / most_ms) * (height - 4);
      pen.beginPath();
      pen.arc(x, y, 1.6, 0, 7);
      pen.fill();
    }
  }
}
