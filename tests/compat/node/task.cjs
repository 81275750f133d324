/**
 * Speaks the task protocol by hand, as a program in Node does: one task after another on one connection, audio once a
 * task has started. Out: what it saw, as JSON lines.
 * In: one JSON object on the command line: url, key, model, file (bare samples), tasks (how many).
 */
"use strict";

const { randomUUID } = require("node:crypto");
const fs = require("node:fs");
const { setTimeout: pause } = require("node:timers/promises");
const WebSocket = require("ws");

const FRAME_BYTES = 3200;
const PAUSE_MS = 20;

const job = JSON.parse(process.argv[2]);
const socket = new WebSocket(job.url, { headers: { Authorization: `bearer ${job.key}` } });
let left = job.tasks;
let task;

function say(what, details) {
  console.log(JSON.stringify({ what, ...details }));
}

function send(action, payload) {
  socket.send(JSON.stringify({ header: { action, task_id: task, streaming: "duplex" }, payload }));
}

function start() {
  task = randomUUID();
  left -= 1;
  send("run-task", {
    task_group: "audio",
    task: "asr",
    function: "recognition",
    model: job.model,
    parameters: { format: "pcm", sample_rate: 16000 },
    input: {},
  });
}

async function speak() {
  const samples = fs.readFileSync(job.file);
  for (let at = 0; at < samples.length; at += FRAME_BYTES) {
    socket.send(samples.subarray(at, at + FRAME_BYTES));
    await pause(PAUSE_MS);
  }
  send("finish-task", { input: {} });
}

function next() {
  if (left > 0) start();
  else socket.close(1000, "bye");
}

const REACTIONS = { "task-started": speak, "task-finished": next };

socket.on("open", start);
socket.on("message", (data, binary) => {
  const body = JSON.parse(data);
  say("event", { body, binary, task });
  REACTIONS[body.header.event]?.();
});
socket.on("close", (code) => say("close", { code }));
socket.on("error", (error) => say("error", { message: error.message }));
