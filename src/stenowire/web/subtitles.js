// Sentences to files: SubRip, WebVTT, plain text, JSON. The rules of cues are those of text/subtitles.py: two lines of
// 42 characters, at most 7 s, cut after a sentence, a phrase or a breath.

const LINE_CHARS = 42;
const MOST_MS = 7000;
const LEAST_MS = 833;
const BREATH_MS = 250;

export function srt(sentences) {
  return cues(sentences)
    .map((cue, index) => `${index + 1}\n${stamp(cue.begin_ms, ",")} --> ${stamp(cue.end_ms, ",")}\n${cue.text}\n`)
    .join("\n");
}

export function vtt(sentences) {
  const blocks = cues(sentences).map(
    (cue) => `${stamp(cue.begin_ms, ".")} --> ${stamp(cue.end_ms, ".")}\n${escaped(cue.text)}\n`,
  );
  return ["WEBVTT\n", ...blocks].join("\n");
}

export function txt(sentences) {
  return sentences.map((sentence) => `${sentence.text}\n`).join("");
}

export function json(sentences, about) {
  const told = sentences.map(({ id, begin_ms, end_ms, text, words }) => ({
    id,
    begin_ms,
    end_ms,
    text,
    words: words.map((word) => ({ text: word.text, begin_ms: word.begin_ms, end_ms: word.end_ms })),
  }));
  return `${JSON.stringify({ ...about, sentences: told }, null, 2)}\n`;
}

export function cues(sentences) {
  const made = sentences.flatMap((sentence) => cut(sentence.words));
  return made.map((cue, index) => {
    const next = made[index + 1];
    let end_ms = Math.max(cue.end_ms, cue.begin_ms + LEAST_MS);
    if (next) end_ms = Math.max(Math.min(end_ms, next.begin_ms), cue.begin_ms + 1);
    return { ...cue, end_ms };
  });
}

function cut(words) {
  const made = [];
  for (let rest = words; rest.length; ) {
    const room = fitting(rest);
    const count = room === rest.length ? room : bestBreak(rest, room);
    const taken = rest.slice(0, count);
    const begin_ms = taken[0].begin_ms;
    made.push({ begin_ms, end_ms: Math.max(taken.at(-1).end_ms, begin_ms + 1), text: wrap(taken).join("\n") });
    rest = rest.slice(count);
  }
  return made;
}

function fitting(words) {
  let count = 1;
  while (count < words.length) {
    const longer = words.slice(0, count + 1);
    if (longer.at(-1).end_ms - longer[0].begin_ms > MOST_MS || wrap(longer).length > 2) break;
    count += 1;
  }
  return count;
}

function bestBreak(words, room) {
  let best = room;
  let merit = -1;
  for (let count = Math.floor(room / 2) + 1; count <= room; count += 1) {
    const worth = worthOf(words[count - 1], words[count]);
    if (worth >= merit) [best, merit] = [count, worth];
  }
  return best;
}

function worthOf(last, next) {
  if (/[.?!…。？！]$/u.test(last.text)) return 3;
  if (/[,;:—–、，；：]$/u.test(last.text)) return 2;
  return next.begin_ms - last.end_ms >= BREATH_MS ? 1 : 0;
}

function wrap(words) {
  const texts = words.map((word) => word.text);
  const whole = texts.join(" ");
  if (whole.length <= LINE_CHARS) return [whole];
  let even = null;
  for (let at = 1; at < texts.length; at += 1) {
    const pair = [texts.slice(0, at).join(" "), texts.slice(at).join(" ")];
    const width = Math.max(pair[0].length, pair[1].length);
    if (width <= LINE_CHARS && (!even || width < even.width)) even = { pair, width };
  }
  return even ? even.pair : filled(texts);
}

function filled(texts) {
  const lines = [texts[0]];
  for (const text of texts.slice(1)) {
    if (lines.at(-1).length + 1 + text.length > LINE_CHARS) lines.push(text);
    else lines[lines.length - 1] += ` ${text}`;
  }
  return lines;
}

function stamp(ms, point) {
  const two = (number) => String(number).padStart(2, "0");
  const seconds = Math.floor(ms / 1000);
  const rest = String(Math.floor(ms % 1000)).padStart(3, "0");
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}${point}${rest}`;
}

function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
