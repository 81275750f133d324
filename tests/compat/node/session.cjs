/**
 * Speaks the session protocol by hand, as a program in Node does: its settings, a tenth of a second of audio at a time,
 * its end. Out: what it saw, as JSON lines.
 * In: one JSON object on the command line: url, key, model, file (bare samples), session (what session.update holds).
 */
"use strict";

const fs = require("node:fs");
const { setTimeout: pause } = require("node:timers/promises");
const WebSocket = require("ws");

const FRAME_BYTES = 3200;
const PAUSE_MS = 20;

const job = JSON.parse(process.argv[2]);
const socket = new WebSocket(`${job.url}?model=${job.model}`, {
  headers: { Authorization: `Bearer ${job.key}`, "OpenAI-Beta": "realtime=v1" },
});

function say(what, details) {
  console.log(JSON.stringify({ what, ...details }));
}

/** Ids by the clock, as people write them: two events of one millisecond have the same. */
function send(type, details) {
  socket.send(JSON.stringify({ event_id: `event_${Date.now()}`, type, ...details }));
}

async function speak() {
  const samples = fs.readFileSync(job.file);
  send("session.update", { session: job.session });
  for (let at = 0; at < samples.length; at += FRAME_BYTES) {
    const audio = samples.subarray(at, at + FRAME_BYTES).toString("base64");
    send("input_audio_buffer.append", { audio });
    await pause(PAUSE_MS);
  }
  if (job.session.turn_detection === null) send("input_audio_buffer.commit");
  send("session.finish");
}

socket.on("open", speak);
socket.on("message", (data, binary) => {
  const body = JSON.parse(data);
  say("event", { body, binary });
  if (body.type === "session.finished") socket.close(1000, "bye");
});
socket.on("close", (code) => say("close", { code }));
socket.on("error", (error) => say("error", { message: error.message }));
