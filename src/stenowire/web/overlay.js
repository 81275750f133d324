// The overlay: the newest lines of one talk's captions on a transparent ground, for OBS and other mixers.
// How it looks is in the query (lines, font, size, colour, background, align), what it reads is behind the #.

import { follow } from "./events.js";
import { looks } from "./looks.js";
import { $, told } from "./show.js";

const KEPT = 6;
// Captions leave the picture when nobody has spoken for so long.
const FADE_MS = 8000;

const sentences = new Map();
let fading = 0;

function apply({ problems, style }) {
  for (const [name, value] of Object.entries(style)) {
    if (name === "align") document.body.dataset.align = value;
    else document.body.style.setProperty(`--${name}`, value);
  }
  told($("problem"), problems.join(" "));
}

function show(caption) {
  sentences.set(caption.id, caption);
  const ids = [...sentences.keys()].sort((a, b) => a - b);
  for (const id of ids.slice(0, -KEPT)) sentences.delete(id);
  draw();
}

function draw() {
  const lines = [...sentences.values()].sort((a, b) => a.id - b.id).map(line);
  $("captions").replaceChildren(...lines);
  clearTimeout(fading);
  fading = setTimeout(() => {
    sentences.clear();
    draw();
  }, FADE_MS);
  if (!lines.length) clearTimeout(fading);
}

function line({ settled, unsettled }) {
  const paragraph = document.createElement("p");
  const ground = document.createElement("span");
  const open = document.createElement("i");
  open.textContent = unsettled;
  ground.append(settled, settled && unsettled ? " " : "", open);
  paragraph.append(ground);
  return paragraph;
}

const { style, problems } = looks(new URLSearchParams(location.search));
const read = new URLSearchParams(location.hash.slice(1));
const [name, key] = [read.get("name") ?? "", read.get("key") ?? ""];
if (!name || !key) problems.push("The address is not whole: copy it from the settings of the captions page.");
apply({ problems, style });
if (name && key) {
  follow(`/api/v1/captions/${encodeURIComponent(name)}`, key, {
    began: () => sentences.clear(),
    caption: show,
    dropped: ({ id }) => sentences.delete(id) && draw(),
    refused: () => told($("problem"), "The key in this address is not good any more. Copy a fresh one from the page."),
  });
}
