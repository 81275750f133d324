// The last seconds of sound as a strip, with the words where they were said. A click plays the word under it.

const SHOWN_S = 16;
const LABEL_PX = 15;

export class Wave {
  constructor(canvas, transcript, hear) {
    this.canvas = canvas;
    this.transcript = transcript;
    this.tape = null;
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    canvas.addEventListener("click", (event) => {
      const word = this.wordAt(event.offsetX);
      if (word) hear(word.begin_ms, word.end_ms);
    });
  }

  // Draw for as long as there is something new; slower where motion is unwelcome.
  run(tape) {
    this.tape = tape;
    const draw = () => {
      if (this.tape !== tape) return;
      this.draw();
      setTimeout(() => requestAnimationFrame(draw), this.still.matches ? 1000 : 50);
    };
    draw();
  }

  stop() {
    this.draw();
    this.tape = null;
  }

  get from() {
    return Math.max(0, this.drawn.end - SHOWN_S * this.drawn.rate);
  }

  draw() {
    this.drawn = this.tape ?? this.drawn;
    if (!this.drawn || !this.canvas.clientWidth) return;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const ratio = devicePixelRatio || 1;
    if (this.canvas.width !== Math.round(width * ratio)) {
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
    }
    const pen = this.canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const style = getComputedStyle(this.canvas);
    this.drawSound(pen, width, height - LABEL_PX, style);
    this.drawWords(pen, width, height, style);
  }

  x(position, width) {
    return ((position - this.from) / (SHOWN_S * this.drawn.rate)) * width;
  }

  drawSound(pen, width, height, style) {
    pen.fillStyle = style.getPropertyValue("--wave");
    for (const piece of this.drawn.between(this.from, this.drawn.end)) {
      const left = this.x(piece.at, width);
      const right = this.x(piece.at + piece.samples.length, width);
      const tall = Math.max(2, Math.sqrt(piece.peak) * height * 0.9);
      pen.beginPath();
      pen.roundRect(left + 0.5, (height - tall) / 2, Math.max(1, right - left - 1.5), tall, 1.5);
      pen.fill();
    }
  }

  drawWords(pen, width, height, style) {
    pen.font = `11px ${style.fontFamily}`;
    pen.textBaseline = "alphabetic";
    let free = 0;
    for (const word of this.words()) {
      const left = this.x((word.begin_ms * this.drawn.rate) / 1000, width);
      pen.fillStyle = style.getPropertyValue("--wave-mark");
      pen.fillRect(left, height - LABEL_PX - 4, 1, 5);
      if (left < free) continue;
      pen.fillStyle = style.getPropertyValue("--quiet");
      pen.fillText(word.text, left, height - 3);
      free = left + pen.measureText(word.text).width + 5;
    }
  }

  words() {
    const from_ms = (this.from * 1000) / this.drawn.rate;
    const sentences = [...this.transcript.finals.slice(-12), this.transcript.open].filter(Boolean);
    return sentences.flatMap((sentence) => sentence.words).filter((word) => word.begin_ms >= from_ms);
  }

  wordAt(x) {
    if (!this.drawn) return null;
    const at_ms = ((this.from + (x / this.canvas.clientWidth) * SHOWN_S * this.drawn.rate) * 1000) / this.drawn.rate;
    return this.words().findLast((word) => word.begin_ms <= at_ms) ?? null;
  }
}
