// One talk from a source to the transcript: opens the source, the tape and the talk, and closes them in order.

import { openMicrophone, openTab } from "./microphone.js";
import { openRecording } from "./recording.js";
import { Tape } from "./tape.js";
import { Talk } from "./talk.js";

const AHEAD_S = 20;

export class Recorder {
  // `on`: frame(samples, tape), began(tape), state(name, text), trouble(text), done().
  constructor(transcript, ask, on) {
    this.transcript = transcript;
    this.ask = ask;
    this.on = on;
    this.running = false;
  }

  async start(kind, choices, file) {
    this.running = true;
    try {
      const waiting = [];
      const on = {
        frame: (samples) => (this.tape ? this.frame(samples) : waiting.push(samples)),
        trouble: (text) => this.on.trouble(text),
        ended: (text) => this.stop(text),
        // A recording is not put on the tape faster than the server takes it.
        ready: () => !this.tape || this.tape.end - this.talk.sent < AHEAD_S * this.tape.rate,
      };
      const open = { microphone: () => openMicrophone(choices, on), tab: () => openTab(on) };
      this.source = await (open[kind] ?? (() => openRecording(file, on)))();
      this.begin();
      for (const samples of waiting) this.frame(samples);
    } catch (error) {
      this.running = false;
      throw error;
    }
  }

  begin() {
    this.transcript.clear();
    this.tape = new Tape(this.source.rate);
    this.talk = new Talk(this.tape, this.transcript, this.ask, {
      state: (name, text) => this.state(name, text),
      gap: (seconds) => this.on.trouble(`${Math.round(seconds)} s were forgotten: the server was away too long.`),
    });
    this.on.began(this.tape);
  }

  frame(samples) {
    this.tape.append(samples);
    this.on.frame(samples, this.tape);
    this.talk.heard();
  }

  async stop(text = "") {
    if (!this.source) return;
    const source = this.source;
    this.source = null;
    await source.stop();
    this.talk?.finish();
    if (text) this.on.trouble(text);
  }

  retry() {
    this.talk?.retry();
  }

  async state(name, text) {
    this.on.state(name, text);
    if (name !== "done" && name !== "failed") return;
    await this.source?.stop();
    this.source = this.talk = this.tape = null;
    this.running = false;
    this.on.done();
  }
}
