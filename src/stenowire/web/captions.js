// The transcript on the page. Text goes in as text, never as markup. Only the newest sentences have elements; all of
// them stay in the transcript and its downloads.

const SHOWN = 400;
const NEAR_PX = 120;

export class CaptionsView {
  // `hear(begin_ms, end_ms)`: play that stretch again.
  constructor(transcript, { list, scroller, live, older, latest }, hear) {
    this.transcript = transcript;
    this.scroller = scroller;
    this.list = list;
    this.live = live;
    this.older = older;
    this.latest = latest;
    this.follow = true;
    this.open = null;
    transcript.addEventListener("open", () => this.showOpen());
    transcript.addEventListener("final", ({ detail }) => this.showFinal(detail));
    transcript.addEventListener("reopened", () => this.reopen());
    transcript.addEventListener("cleared", () => this.clear());
    scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    latest.addEventListener("click", () => this.toLatest());
    list.addEventListener("click", (event) => {
      const target = event.target.closest("[data-begin]");
      if (target) hear(Number(target.dataset.begin), Number(target.dataset.end));
    });
  }

  showOpen() {
    const sentence = this.transcript.open;
    if (!sentence?.words.length) {
      this.open?.remove();
      this.open = null;
      return;
    }
    this.open = this.put(sentence, this.open);
    this.keepUp();
  }

  showFinal(sentence) {
    this.put(sentence, this.open);
    this.open = null;
    this.say(sentence.text);
    this.trim();
    this.keepUp();
  }

  reopen() {
    this.open?.remove();
    this.open = this.put(this.transcript.open, this.list.lastElementChild);
  }

  clear() {
    this.list.replaceChildren();
    this.live.replaceChildren();
    this.open = null;
    this.trim();
  }

  put(sentence, former) {
    const item = former ?? this.list.appendChild(document.createElement("li"));
    item.className = sentence.final ? "final" : "open";
    item.replaceChildren(timeButton(sentence), wordsOf(sentence));
    return item;
  }

  // For screen readers: finished sentences only, each once.
  say(text) {
    const line = document.createElement("p");
    line.textContent = text;
    this.live.append(line);
    while (this.live.childElementCount > 3) this.live.firstElementChild.remove();
  }

  trim() {
    while (this.list.childElementCount > SHOWN) this.list.firstElementChild.remove();
    const hidden = this.transcript.finals.length - SHOWN;
    this.older.hidden = hidden <= 0;
    this.older.textContent = `${hidden} earlier sentences are in the downloads.`;
  }

  scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    this.follow = scrollHeight - scrollTop - clientHeight < NEAR_PX;
    this.latest.hidden = this.follow;
  }

  keepUp() {
    if (this.follow) this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  toLatest() {
    this.follow = true;
    this.keepUp();
    if (document.activeElement === this.latest) this.scroller.focus();
    this.latest.hidden = true;
  }
}

export function clock(ms) {
  const seconds = Math.floor(ms / 1000);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[0] ? parts : parts.slice(1);
  return shown.map((part, index) => (index ? String(part).padStart(2, "0") : part)).join(":");
}

function timeButton(sentence) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "time";
  button.textContent = clock(sentence.begin_ms);
  button.setAttribute("aria-label", `Hear again from ${clock(sentence.begin_ms)}`);
  mark(button, sentence.begin_ms, sentence.end_ms ?? sentence.begin_ms + 3000);
  return button;
}

function wordsOf(sentence) {
  const text = document.createElement("p");
  for (const word of sentence.words) {
    const span = document.createElement("span");
    span.className = word.settled || sentence.final ? "settled" : "unsettled";
    span.textContent = word.text;
    mark(span, word.begin_ms, word.end_ms);
    text.append(span, " ");
  }
  return text;
}

function mark(element, begin_ms, end_ms) {
  element.dataset.begin = begin_ms;
  element.dataset.end = end_ms;
}
