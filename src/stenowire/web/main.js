// The captions page: what each control does. What things are is in the modules; here they meet.

import { CaptionsView, clock } from "./captions.js";
import { Delays } from "./delays.js";
import { askForKey, openHistory, startDialogs } from "./dialogs.js";
import { download } from "./downloads.js";
import { History } from "./history.js";
import { exchange, forget, linkKey, pageKey } from "./keys.js";
import { microphones, whyNoMicrophone } from "./microphone.js";
import { OverlayLink } from "./overlay-link.js";
import { Player } from "./player.js";
import { Recorder } from "./recorder.js";
import { SettingsForm } from "./settings.js";
import { startShortcuts } from "./shortcuts.js";
import { $, told } from "./show.js";
import { startTheme } from "./theme.js";
import { Transcript } from "./transcript.js";
import { Wave } from "./wave.js";

const SAVE_MS = 2000;
// Saving copies the whole talk: the longer it is, the rarer.
const SAVE_MORE_MS = 20;

const transcript = new Transcript();
const settings = new SettingsForm($("settingsForm"));
const player = new Player();
const history = new History();
const overlay = new OverlayLink(settings);
const wave = new Wave($("wave"), transcript, hear);
const delays = new Delays($("delayLine"), $("delayText"));
new CaptionsView(
  transcript,
  { list: $("list"), scroller: $("captions"), live: $("live"), older: $("older"), latest: $("latest") },
  hear,
);
const recorder = new Recorder(transcript, ask, {
  began,
  frame: heard,
  state: showState,
  trouble: (text) => told($("trouble"), text),
  done,
});
let talk = null;
let saving = 0;

// ---- a talk ----------------------------------------------------------------------------------------------------

function ask(rate, resume) {
  const { model, context } = settings.values;
  return { key: pageKey(), channel: overlay.channel, model, context, parameters: { ...settings.parameters(rate), resume } };
}

async function toggle() {
  if (recorder.running) {
    await recorder.stop();
    return;
  }
  const kind = document.querySelector("[name=source]:checked").value;
  if (kind === "file") $("file").click();
  else await start(kind);
}

async function start(kind, file = null) {
  if (recorder.running) return;
  if (!pageKey() && !(await askForKey())) return;
  told($("trouble"), "");
  running(true);
  try {
    await recorder.start(kind, settings.values, file);
    if (kind === "microphone") await offerMicrophones();
  } catch (error) {
    running(false);
    showState("idle", "Ready");
    told($("trouble"), error.message);
  }
}

function began(tape) {
  const { model, language } = settings.values;
  talk = { id: crypto.getRandomValues(new Uint32Array(2)).join("-"), begun: Date.now(), model, language };
  player.tape = tape;
  $("strip").hidden = false;
  delays.clear();
  wave.run(tape);
}

function heard(samples, tape) {
  let peak = 0;
  for (const sample of samples) peak = Math.max(peak, Math.abs(sample));
  $("level").style.transform = `translateX(${(Math.sqrt(peak / 32768) - 1) * 100}%)`;
  $("time").textContent = clock((tape.end * 1000) / tape.rate);
}

function shown(sentence) {
  if (!sentence) return;
  $("welcome").hidden = true;
  if (recorder.tape) delays.see(sentence, recorder.tape);
}

function done() {
  wave.stop();
  running(false);
  $("level").style.transform = "";
  save();
}

function running(now) {
  $("start").dataset.running = String(now);
  $("start").textContent = now ? "Stop" : "Start captions";
  $("sources").disabled = now;
}

async function showState(name, text) {
  const shown = name === "done" ? "idle" : name;
  $("state").dataset.state = shown;
  $("stateText").textContent = { idle: "Ready", waiting: "Server away", refused: "Key refused" }[shown] ?? text;
  if (["waiting", "refused", "failed"].includes(name)) told($("trouble"), text);
  else if (name === "listening") told($("trouble"), "");
  if (name !== "refused") return;
  forget();
  if (await askForKey()) recorder.retry();
}

function hear(begin_ms, end_ms) {
  if (!player.play(begin_ms, end_ms)) told($("trouble"), "This can no longer be heard: sound is kept for ten minutes.");
}

// ---- what is kept ----------------------------------------------------------------------------------------------

function current() {
  return { ...talk, sentences: transcript.sentences };
}

async function save() {
  saving = 0;
  if (!talk || !transcript.finals.length) return;
  try {
    await history.save({ ...talk, sentences: transcript.finals });
  } catch {
    told($("trouble"), "This browser keeps no history here.");
  }
}

function reopenTalk(former) {
  if (recorder.running) return;
  transcript.clear();
  talk = { id: former.id, begun: former.begun, model: former.model, language: former.language };
  player.tape = null;
  for (const sentence of former.sentences) transcript.finish(sentence);
}

// ---- what the server and the browser offer ---------------------------------------------------------------------

async function offerModels() {
  const answer = await fetch("/v1/models").catch(() => null);
  if (!answer?.ok) return;
  const { data } = await answer.json();
  const tasks = data.filter(({ door }) => door === "task");
  const models = tasks.length ? tasks : data;
  settings.offer("model", models.map(({ id }) => [id, id]));
  const field = $("settingsForm").elements.model;
  const describe = () => told($("modelHint"), models.find(({ id }) => id === field.value)?.description ?? "");
  field.addEventListener("change", describe);
  describe();
  const names = new Intl.DisplayNames(["en"], { type: "language" });
  const languages = [...new Set(models.flatMap((model) => model.languages))].sort();
  settings.offer("language", [["", "As it comes"], ...languages.map((code) => [code, names.of(code) ?? code])]);
}

async function offerMicrophones() {
  const found = await microphones();
  settings.offer("deviceId", [["", "The system's choice"], ...found.map(({ deviceId, label }) => [deviceId, label])]);
}

// ---- controls --------------------------------------------------------------------------------------------------

function size(by = 0) {
  const field = $("settingsForm").elements.size;
  field.value = Number(field.value) + by;
  if (by) settings.keep();
  document.body.style.setProperty("--size", `${field.value}px`);
}

function showSettings(open = $("settings").hidden) {
  $("settings").hidden = !open;
  $("toggleSettings").setAttribute("aria-expanded", String(open));
}

async function present() {
  const on = document.body.classList.toggle("present");
  $("present").setAttribute("aria-pressed", String(on));
  if (on) await document.documentElement.requestFullscreen?.().catch(() => {});
  else if (document.fullscreenElement) await document.exitFullscreen();
  $("latest").click();
}

function startDrops() {
  let inside = 0;
  const show = (by) => {
    inside = Math.max(0, inside + by);
    $("drop").hidden = inside === 0;
  };
  document.addEventListener("dragenter", () => show(1));
  document.addEventListener("dragleave", () => show(-1));
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    show(-inside);
    const [file] = event.dataTransfer.files;
    if (file) start("file", file);
  });
}

function startControls() {
  $("start").addEventListener("click", toggle);
  $("file").addEventListener("change", ({ target }) => {
    if (target.files[0]) start("file", target.files[0]);
    target.value = "";
  });
  $("toggleSettings").addEventListener("click", () => showSettings());
  $("present").addEventListener("click", present);
  $("openHistory").addEventListener("click", () => openHistory(history, reopenTalk));
  $("openHelp").addEventListener("click", () => $("helpDialog").showModal());
  $("forgetKey").addEventListener("click", forget);
  $("settingsForm").addEventListener("input", () => size());
  $("downloads").addEventListener("click", ({ target }) => {
    const { download: kind } = target.dataset;
    if (!kind) return;
    $("downloads").open = false;
    if (talk && transcript.sentences.length) download(kind, current());
    else told($("trouble"), "Nothing has been said yet.");
  });
  document.addEventListener("fullscreenchange", () => {
    if (!document.fullscreenElement && document.body.classList.contains("present")) present();
  });
  document.addEventListener("click", ({ target }) => {
    if (!target.closest("#downloads")) $("downloads").open = false;
  });
  addEventListener("beforeunload", (event) => recorder.running && event.preventDefault());
}

transcript.addEventListener("open", () => shown(transcript.open));
transcript.addEventListener("final", ({ detail }) => {
  shown(detail);
  saving ||= setTimeout(save, SAVE_MS + SAVE_MORE_MS * transcript.finals.length);
});
startTheme($("theme"));
startDialogs();
startControls();
startDrops();
startShortcuts({ toggle, present, showSettings, size, history: () => $("openHistory").click() });
size();
if (whyNoMicrophone()) told($("trouble"), whyNoMicrophone());
const link = linkKey();
if (link) await exchange(link, false).catch((error) => told($("trouble"), `${error.message} Its link may be too old.`));
await Promise.all([offerModels(), offerMicrophones(), overlay.show()]);
