// One recognition task on one WebSocket: the task protocol (docs/protocols.md), and nothing about why it was opened.
// In: audio. Out: `on.started(resume)`, `on.sentence(s, resume)`, `on.point(resume)`, `on.finished()`, `on.failed(code, message)`, `on.lost(opened)`;
// one of the last three comes once, and nothing after it.

const PATH = "/api-ws/v1/inference";

export class Task {
  constructor({ key, channel, model, parameters, context }, on) {
    this.id = randomId();
    this.on = on;
    this.over = false;
    const query = channel ? `?captions=${encodeURIComponent(channel)}` : "";
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const protocols = ["realtime", `openai-insecure-api-key.${key}`];
    this.socket = new WebSocket(`${scheme}//${location.host}${PATH}${query}`, protocols);
    this.socket.binaryType = "arraybuffer";
    this.opened = false;
    this.socket.onopen = () => {
      this.opened = true;
      const input = context ? { context: [{ role: "user", content: [{ type: "input_text", text: context }] }] } : {};
      const work = { task_group: "audio", task: "asr", function: "recognition" };
      this.say("run-task", { ...work, model, parameters, input });
    };
    this.socket.onmessage = ({ data }) => this.hear(JSON.parse(data));
    this.socket.onclose = () => this.end(() => on.lost(this.opened));
  }

  get waitingBytes() {
    return this.socket.bufferedAmount;
  }

  send(samples) {
    this.socket.send(samples);
  }

  finish() {
    this.say("finish-task", { input: {} });
  }

  // Leave at once. Nothing is told any more.
  drop() {
    this.over = true;
    this.socket.close();
  }

  say(action, payload) {
    this.socket.send(JSON.stringify({ header: { action, task_id: this.id, streaming: "duplex" }, payload }));
  }

  hear({ header, payload }) {
    if (this.over || header.task_id !== this.id) return;
    const told = {
      "task-started": () => this.on.started(payload.resume),
      "result-generated": () =>
        payload.output.sentence.heartbeat || this.on.sentence(payload.output.sentence, payload.resume),
      "resume-point": () => this.on.point(payload.resume),
      "task-finished": () => this.end(() => this.on.finished()),
      "task-failed": () => this.end(() => this.on.failed(header.error_code, header.error_message)),
    };
    told[header.event]?.();
  }

  end(tell) {
    if (this.over) return;
    this.over = true;
    this.socket.close();
    tell();
  }
}

// crypto.randomUUID is only there in secure contexts.
export function randomId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
