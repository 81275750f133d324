// The address for OBS: a name of this browser's own, and a key that can read its captions and nothing else.

import { pageKey, viewKey } from "./keys.js";
import { $ } from "./show.js";

const PLACE = "stenowire.channel";

export class OverlayLink {
  constructor(settings) {
    this.settings = settings;
    settings.form.elements.overlay.addEventListener("change", () => this.show());
    $("copyOverlay").addEventListener("click", () => this.copy());
  }

  // The name to publish under; "" when nobody is to read along.
  get channel() {
    return this.settings.values.overlay ? name() : "";
  }

  async show() {
    $("overlayLink").hidden = !this.channel;
    $("overlayAddress").value = "";
    if (!this.channel) return;
    if (!pageKey()) {
      $("overlayHint").textContent = "It is made once this page has a key: start the captions.";
      return;
    }
    try {
      const fragment = new URLSearchParams({ name: this.channel, key: await viewKey(this.channel) });
      $("overlayAddress").value = `${location.origin}/overlay?lines=2#${fragment}`;
      $("overlayHint").textContent = "It can read these captions for 30 days, and do nothing else.";
    } catch (error) {
      $("overlayHint").textContent = error.message;
    }
  }

  async copy() {
    const field = $("overlayAddress");
    field.select();
    if (navigator.clipboard) await navigator.clipboard.writeText(field.value);
    else document.execCommand("copy");
    $("overlayHint").textContent = "Copied.";
  }
}

function name() {
  let kept = localStorage.getItem(PLACE);
  if (!kept) {
    kept = `talk-${crypto.getRandomValues(new Uint32Array(1))[0].toString(36)}`;
    localStorage.setItem(PLACE, kept);
  }
  return kept;
}
