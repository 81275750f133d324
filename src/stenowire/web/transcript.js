// What has been said, as data: finished sentences in order, and the open one. Times are ms since the talk began.
// A sentence: { id, begin_ms, end_ms, text, words: [{ text, begin_ms, end_ms, settled }], final }.

export class Transcript extends EventTarget {
  constructor() {
    super();
    this.clear();
  }

  clear() {
    this.finals = [];
    this.open = null;
    this.tell("cleared");
  }

  // The open sentence as it stands now; it replaces the former one.
  show(sentence) {
    this.open = { ...sentence, id: this.finals.length + 1, final: false };
    this.tell("open");
  }

  finish(sentence) {
    const final = { ...sentence, id: this.finals.length + 1, final: true };
    this.finals.push(final);
    this.open = null;
    this.tell("final", final);
    return final;
  }

  // The last sentence was cut off by the end of its server: it is open again, and will be heard again.
  reopen() {
    const last = this.finals.pop();
    const words = last.words.map((word) => ({ ...word, settled: false }));
    this.open = { ...last, words, final: false };
    this.tell("reopened", last);
  }

  // What will never be finished is not kept as if it were.
  drop() {
    this.open = null;
    this.tell("open");
  }

  get sentences() {
    return this.open?.words.length ? [...this.finals, this.open] : this.finals;
  }

  tell(type, detail = null) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

// A sentence of the wire, moved to where its task began.
export function readSentence(wire, offsetMs) {
  const words = wire.words.map((word) => ({
    text: word.text.trim() + word.punctuation,
    begin_ms: Math.round(offsetMs + word.begin_time),
    end_ms: Math.round(offsetMs + word.end_time),
    settled: word.fixed,
  }));
  return {
    begin_ms: Math.round(offsetMs + wire.begin_time),
    end_ms: wire.end_time === null ? (words.at(-1)?.end_ms ?? null) : Math.round(offsetMs + wire.end_time),
    text: wire.text,
    words,
  };
}
