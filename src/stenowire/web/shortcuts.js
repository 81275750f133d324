// Keys for those who would rather not point. They rest while something is typed in, or a dialog is open, and can be
// switched off for good (WCAG 2.2, 2.1.4).

import { $ } from "./show.js";

const PLACE = "stenowire.shortcuts";

export function startShortcuts({ toggle, present, showSettings, size, history }) {
  const use = $("useShortcuts");
  use.checked = localStorage.getItem(PLACE) !== "off";
  use.addEventListener("change", () => localStorage.setItem(PLACE, use.checked ? "on" : "off"));
  const keys = {
    " ": toggle,
    p: present,
    s: () => showSettings(),
    h: history,
    d: () => $("downloads").querySelector("summary").click(),
    t: () => $("theme").click(),
    "+": () => size(2),
    "=": () => size(2),
    "-": () => size(-2),
    End: () => $("latest").click(),
    "?": () => $("helpDialog").showModal(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") escape();
    if (!use.checked || event.ctrlKey || event.metaKey || event.altKey || busy(event.target, event.key)) return;
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  function escape() {
    if (document.body.classList.contains("present")) present();
    $("downloads").open = false;
  }
}

function busy(target, key) {
  if (document.querySelector("dialog[open]")) return true;
  if (target.closest("input:not([type=radio]), select, textarea")) return true;
  return key === " " && target.closest("button, summary, input");
}
