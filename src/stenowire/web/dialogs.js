// The dialogs: the key, former talks, help.

import { clock } from "./captions.js";
import { exchange } from "./keys.js";
import { $, make } from "./show.js";

export function startDialogs() {
  $("keyForm").addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await exchange($("key").value.trim(), $("remember").checked);
      $("keyDialog").close("given");
    } catch (error) {
      $("keyProblem").textContent = error.message;
    }
    $("key").value = "";
  });
  $("keyCancel").addEventListener("click", () => $("keyDialog").close("not now"));
}

// Whether a key was given that the server accepts.
export function askForKey() {
  const dialog = $("keyDialog");
  $("keyProblem").textContent = "";
  dialog.returnValue = "";
  if (!dialog.open) dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "given"), { once: true });
  });
}

export async function openHistory(history, reopen) {
  const show = async () => {
    const talks = await history.list().catch(() => []);
    const items = talks.map((talk) => item(talk, history, show, reopen));
    $("talks").replaceChildren(...(items.length ? items : [make("li", "Nothing yet.")]));
  };
  $("clearHistory").onclick = async () => {
    if (!confirm("Delete all former talks from this browser?")) return;
    await history.clear();
    await show();
  };
  await show();
  if (!$("historyDialog").open) $("historyDialog").showModal();
}

function item(talk, history, show, reopen) {
  const when = new Date(talk.begun).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
  const first = talk.sentences[0]?.text ?? "";
  const length = clock(talk.sentences.at(-1)?.end_ms ?? 0);
  const about = document.createElement("div");
  about.append(make("p", first), make("small", `${when} · ${length} · ${talk.sentences.length} sentences`));
  const open = make("button", "Open", { type: "button", "aria-label": `Open the talk of ${when}` });
  open.addEventListener("click", () => {
    reopen(talk);
    $("historyDialog").close();
  });
  const remove = make("button", "Delete", { type: "button", "aria-label": `Delete the talk of ${when}` });
  remove.addEventListener("click", async () => {
    await history.remove(talk.id);
    await show();
  });
  const row = document.createElement("li");
  row.append(about, open, remove);
  return row;
}
