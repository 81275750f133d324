// A transcript as a file of the person's.

import * as subtitles from "./subtitles.js";

const KINDS = {
  srt: ["application/x-subrip", subtitles.srt],
  vtt: ["text/vtt", subtitles.vtt],
  txt: ["text/plain", subtitles.txt],
  json: ["application/json", subtitles.json],
};

// `talk`: { begun (ms since 1970), model, language, sentences }.
export function download(kind, talk) {
  const [type, written] = KINDS[kind];
  const { begun, model, language, sentences } = talk;
  const text = written(sentences, { begun: new Date(begun).toISOString(), model, language });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  link.download = `captions-${new Date(begun).toISOString().slice(0, 16).replaceAll(/[T:]/g, "-")}.${kind}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
