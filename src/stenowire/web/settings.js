// What the person chose: the fields of the settings panel, kept in this browser, and what they mean to the server.

const PLACE = "stenowire.settings";
const MOST_WORDS = 500;
const SILENCE_MS = { quick: 500, usual: 1300, patient: 2500 };

export class SettingsForm {
  constructor(form) {
    this.form = form;
    this.wanted = read();
    for (const field of this.fields) this.fill(field);
    form.addEventListener("input", () => this.keep());
    form.addEventListener("submit", (event) => event.preventDefault());
  }

  get fields() {
    return [...this.form.elements].filter((field) => field.name);
  }

  get values() {
    return Object.fromEntries(
      this.fields.map((field) => [field.name, field.type === "checkbox" ? field.checked : field.value]),
    );
  }

  // Names of models come from the server, microphones from the browser; what was chosen stays chosen if it is there.
  offer(name, options) {
    const field = this.form.elements[name];
    field.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
    this.fill(field);
    if (field.selectedIndex < 0) field.selectedIndex = 0;
  }

  keep() {
    this.wanted = this.values;
    localStorage.setItem(PLACE, JSON.stringify(this.wanted));
  }

  fill(field) {
    const value = this.wanted[field.name];
    if (value === undefined) return;
    if (field.type === "checkbox") field.checked = value === true;
    else field.value = value;
  }

  // The task's parameters for sound at that rate.
  parameters(rate) {
    const { language, ends, hotwords } = this.values;
    const words = vocabulary(hotwords);
    return {
      format: "pcm",
      sample_rate: Math.round(rate),
      heartbeat: true,
      ...(ends === "meaning"
        ? { semantic_punctuation_enabled: true }
        : { max_sentence_silence: SILENCE_MS[ends] ?? SILENCE_MS.usual, multi_threshold_mode_enabled: true }),
      ...(language && { language_hints: [language] }),
      ...(Object.keys(words).length && { vocabulary: words }),
    };
  }
}

// One term a line; a number from 1 to 5 behind a colon says how much it is expected.
export function vocabulary(text) {
  const words = {};
  for (const line of text.split("\n").slice(0, MOST_WORDS)) {
    const [, term, weight] = /^\s*(.*?)\s*(?::\s*([1-5]))?\s*$/u.exec(line);
    if (term) words[term] = Number(weight ?? 4);
  }
  return words;
}

function read() {
  try {
    return JSON.parse(localStorage.getItem(PLACE) ?? "{}");
  } catch {
    return {};
  }
}
