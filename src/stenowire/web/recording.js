// A recording as if it were spoken, some times faster: the browser decodes it, this paces it.
// In: a file. Out: a source that hands over frames of 16-bit samples at 16 kHz.

import { Refusal } from "./refusal.js";

const RATE_HZ = 16000;
const FRAME_MS = 100;
const MOST_BYTES = 200 * 2 ** 20;
export const PACE = 4;

// `on.frame(samples)`, `on.ended("")`, `on.ready()`: whether more can be taken now.
export async function openRecording(file, on) {
  if (file.size > MOST_BYTES) {
    throw new Refusal("This file is larger than 200 MB. “stenowire transcribe FILE” takes any size.");
  }
  const samples = await decoded(file);
  let at = 0;
  const length = (RATE_HZ * FRAME_MS) / 1000;
  const timer = setInterval(() => {
    if (!on.ready()) return;
    if (at >= samples.length) {
      clearInterval(timer);
      on.ended("");
      return;
    }
    on.frame(samples.slice(at, at + length));
    at += length;
  }, FRAME_MS / PACE);
  return { rate: RATE_HZ, label: file.name, stop: async () => clearInterval(timer) };
}

async function decoded(file) {
  const context = new OfflineAudioContext(1, 1, RATE_HZ);
  try {
    const sound = await context.decodeAudioData(await file.arrayBuffer());
    return mixed(sound);
  } catch {
    throw new Refusal(`This browser cannot read “${file.name}” as sound.`);
  }
}

function mixed(sound) {
  const channels = Array.from({ length: sound.numberOfChannels }, (_, index) => sound.getChannelData(index));
  const samples = new Int16Array(sound.length);
  for (let at = 0; at < sound.length; at += 1) {
    let sum = 0;
    for (const channel of channels) sum += channel[at];
    const mean = Math.max(-1, Math.min(1, sum / channels.length));
    samples[at] = mean < 0 ? mean * 32768 : mean * 32767;
  }
  return samples;
}
