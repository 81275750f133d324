// One talk from start to stop: feeds tasks from the tape, and loses nothing when a task, a link or a server ends early.
// Audio is kept until it is answered. A server that tells points to resume from goes on exactly there, with the times of
// the first task; with another, a new task begins where the last final ended, and its times are moved. Sentences are
// counted by the transcript.

import { readSentence } from "./transcript.js";
import { randomId, Task } from "./task.js";
import { accepted } from "./keys.js";

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 5000;
const MOST_WAITING_BYTES = 256 * 1024;
// A stopping server finishes what it has heard, in the middle of a word if need be, and says at once that it stops. A
// final that nothing else has followed for so long was not of that kind.
const DOUBT_MS = 1500;
// After a final's last word: half of the shortest silence that ends a sentence.
const BEHIND_MS = 100;
const PASSING = ["ServiceUnavailable", "Throttling.RateQuota", "InternalError", "ResponseTimeout", "CLIENT_ERROR"];

// `on.state(name, text)`: connecting, listening, waiting (for a server), refused (key), finishing, done, failed.
// `on.gap(seconds)`: so much was forgotten before a server came back.
export class Talk {
  constructor(tape, transcript, ask, on) {
    this.tape = tape;
    this.transcript = transcript;
    this.ask = ask;
    this.on = on;
    this.covered = 0;
    this.sent = 0;
    this.tries = 0;
    this.losses = 0;
    this.ready = false;
    this.finishing = false;
    this.over = false;
    this.doubtful = null;
    this.epoch = 0;
    this.line = this.newLine();
    this.pumping = setInterval(() => this.pump(), 50);
    this.connect();
  }

  get rate() {
    return this.tape.rate;
  }

  // More sound has been put on the tape.
  heard() {
    this.pump();
  }

  // No more sound: have the rest answered.
  finish() {
    this.finishing = true;
    this.on.state("finishing", "Finishing the last words …");
    this.pump();
  }

  // Try at once, for instance with another key.
  retry() {
    clearTimeout(this.waiting);
    if (!this.task && !this.over) this.connect();
  }

  drop() {
    this.end("done", "");
  }

  // What one count of times hangs on: where on the tape it begins, and how a server may take it up again.
  newLine() {
    const at = Math.max(this.covered, this.tape.begin);
    return { at, session: randomId(), point: null };
  }

  // What a server that resumes is told: whose audio this is, which of our connections this is, and from where.
  claim() {
    const { session, point } = this.line;
    this.epoch += 1;
    return { session, epoch: this.epoch, ...(point && { point }) };
  }

  connect() {
    this.task?.drop();
    this.ready = this.finished = false;
    if (this.covered < this.tape.begin) this.on.gap((this.tape.begin - this.covered) / this.rate);
    if (!this.line.point || this.covered < this.tape.begin) this.line = this.newLine();
    this.covered = this.sent = Math.max(this.covered, this.tape.begin);
    if (!this.finishing) this.on.state("connecting", this.losses ? "Connecting again …" : "Connecting …");
    this.task = new Task(this.ask(this.rate, this.claim()), {
      started: (resume) => this.started(resume),
      sentence: (wire, point) => this.take(readSentence(wire, this.lineMs), wire.sentence_end, point),
      point: (point) => this.reach(point),
      finished: () => this.end("done", ""),
      failed: (code, message) => this.failed(code, message),
      lost: (opened) => this.lost(opened),
    });
  }

  get lineMs() {
    return (this.line.at * 1000) / this.rate;
  }

  started(resume) {
    // A server that does not resume counts from where its audio begins.
    if (resume?.from_ms !== (this.line.point?.from_ms ?? 0)) this.line = this.newLine();
    this.sent = this.covered;
    this.ready = true;
    this.tries = 0;
    if (!this.finishing) this.on.state("listening", "Listening");
    this.pump();
  }

  pump() {
    if (!this.ready || this.finished) return;
    while (this.sent < this.tape.end && this.task.waitingBytes < MOST_WAITING_BYTES) {
      const samples = this.tape.read(this.sent);
      this.task.send(samples);
      this.sent += samples.length;
    }
    if (this.finishing && this.sent >= this.tape.end) {
      this.finished = true;
      this.task.finish();
    }
  }

  // All before the point is answered.
  reach(point) {
    this.trust();
    this.line.point = point;
    this.covered = this.line.at + Math.round((point.from_ms * this.rate) / 1000);
  }

  take(sentence, final, point) {
    this.trust();
    if (!final) {
      this.transcript.show(sentence);
      return;
    }
    const before = { covered: this.covered, point: this.line.point };
    this.transcript.finish(sentence);
    if (point) this.reach(point);
    else this.covered = Math.round(Math.min(this.sent, ((sentence.end_ms + BEHIND_MS) * this.rate) / 1000));
    this.doubtful = { before, timer: setTimeout(() => this.trust(), DOUBT_MS) };
  }

  // The last final stands.
  trust() {
    clearTimeout(this.doubtful?.timer);
    this.doubtful = null;
  }

  doubt() {
    if (!this.doubtful || this.finished) return;
    this.covered = this.doubtful.before.covered;
    this.line.point = this.doubtful.before.point;
    this.trust();
    this.transcript.reopen();
  }

  failed(code, message) {
    if (code === "NO_VALID_AUDIO_ERROR" && this.finishing) return this.end("done", "");
    if (code === "InvalidParameter" && this.line.point) {
      this.line.point = null;
      return this.lost(true);
    }
    if (!PASSING.includes(code)) return this.end("failed", message);
    return this.lost(true);
  }

  lost(opened) {
    this.doubt();
    this.task = null;
    this.ready = false;
    if (this.over) return;
    this.losses += 1;
    if (this.finishing && this.covered >= this.tape.end) return this.end("done", "");
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.tries) * (0.5 + Math.random());
    this.tries += 1;
    this.on.state("waiting", "The server is away. What you say is kept, and will be captioned when it is back.");
    this.waiting = setTimeout(() => this.again(opened), wait);
  }

  // A browser does not tell why a handshake was refused; the key may be at fault.
  async again(opened) {
    if (!opened && (await accepted()) === false) {
      this.on.state("refused", "The server does not accept the key any more. What you say is kept meanwhile.");
      return;
    }
    if (!this.over && !this.task) this.connect();
  }

  end(state, text) {
    if (this.over) return;
    this.over = true;
    clearInterval(this.pumping);
    clearTimeout(this.waiting);
    this.trust();
    this.task?.drop();
    // The last words are shown, not lost, where nobody is left to finish them.
    if (this.transcript.open?.words.length) this.transcript.finish(this.transcript.open);
    else this.transcript.drop();
    this.on.state(state, text);
  }
}
