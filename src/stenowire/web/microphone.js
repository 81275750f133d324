// Live sound: a microphone, or what another tab plays.
// In: what the person chose. Out: a source that hands over frames of 16-bit samples at the device's own rate; the
// server resamples, as browsers differ in what they can. A source must be opened in a click: Safari asks for that.

import { Refusal } from "./refusal.js";

const MOST_HZ = 48000;
const NOTHING_MS = 3000;
const SILENT_FRAMES = 50;

export function whyNoMicrophone() {
  if (navigator.mediaDevices?.getUserMedia && window.AudioWorkletNode) return "";
  if (window.isSecureContext) return "This browser cannot record sound. A recent Firefox, Chrome or Safari can.";
  return (
    "Browsers give the microphone only to pages that come over HTTPS or from this very machine. On the server, start " +
    "“stenowire serve --https” and open the https address that it prints. Files work here as they are."
  );
}

export async function openMicrophone(choices, on) {
  const why = whyNoMicrophone();
  if (why) throw new Refusal(why);
  const context = new AudioContext();
  try {
    const audio = {
      echoCancellation: choices.echoCancellation,
      noiseSuppression: choices.noiseSuppression,
      autoGainControl: choices.autoGainControl,
      ...(choices.deviceId && { deviceId: { exact: choices.deviceId } }),
    };
    const stream = await navigator.mediaDevices.getUserMedia({ audio });
    return await listen(context, stream, on);
  } catch (error) {
    await context.close();
    throw explained(error, "the microphone");
  }
}

export async function openTab(on) {
  const why = whyNoMicrophone();
  if (why) throw new Refusal(why);
  if (!navigator.mediaDevices.getDisplayMedia) throw new Refusal("This browser cannot record what a tab plays.");
  const context = new AudioContext();
  try {
    const video = { width: 1, height: 1, frameRate: 1 };
    const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    const stream = await navigator.mediaDevices.getDisplayMedia({ video, audio, systemAudio: "include" });
    if (!stream.getAudioTracks().length) {
      for (const track of stream.getTracks()) track.stop();
      throw new Refusal("No sound came with it. Choose a tab, and tick “share tab audio” in the browser's dialog.");
    }
    return await listen(context, stream, on);
  } catch (error) {
    await context.close();
    throw explained(error, "the tab");
  }
}

export async function microphones() {
  const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  return devices.filter((device) => device.kind === "audioinput" && device.label && device.deviceId !== "default");
}

// `on.frame(samples)`, `on.trouble(text)` ("" when it is over), `on.ended(text)`.
async function listen(context, stream, on) {
  await context.resume();
  await context.audioWorklet.addModule("/web/worklet.js");
  const keep = Math.ceil(context.sampleRate / MOST_HZ);
  const node = new AudioWorkletNode(context, "frames", {
    numberOfOutputs: 0,
    processorOptions: { keep },
  });
  context.createMediaStreamSource(stream).connect(node);
  const watch = new Watch(on);
  node.port.onmessage = ({ data }) => {
    watch.see(data);
    on.frame(data);
  };
  const [track] = stream.getAudioTracks();
  const stop = async () => {
    watch.stop();
    node.port.onmessage = null;
    for (const each of stream.getTracks()) each.stop();
    await context.close();
  };
  track.onended = () => on.ended("The sound has ended: the device was unplugged, or sharing was stopped.");
  // A browser may put the sound of a hidden or interrupted page to sleep; it wakes it when asked.
  context.onstatechange = () => context.state === "suspended" && context.resume();
  return { rate: context.sampleRate / keep, label: track.label, stop };
}

// Tells when no sound comes although all looks well, which some systems do without any error.
class Watch {
  constructor(on) {
    this.on = on;
    this.silent = 0;
    this.said = "";
    this.timer = setInterval(() => this.look(), 500);
    this.seen = performance.now();
  }

  see(samples) {
    this.seen = performance.now();
    this.silent = samples.some((sample) => sample !== 0) ? 0 : this.silent + 1;
  }

  look() {
    const nothing = performance.now() - this.seen > NOTHING_MS;
    if (nothing) return this.say("No sound arrives from this device. Is it in use elsewhere, or not allowed?");
    if (this.silent > SILENT_FRAMES) return this.say("The microphone is silent. Is it muted?");
    return this.say("");
  }

  say(text) {
    if (text !== this.said) this.on.trouble(text);
    this.said = text;
  }

  stop() {
    clearInterval(this.timer);
  }
}

function explained(error, what) {
  const told = {
    NotAllowedError: `The browser was not allowed to use ${what}. Allow it beside the address, and start again.`,
    NotFoundError: "There is no microphone here.",
    NotReadableError: `Another program holds ${what}.`,
    OverconstrainedError: "The chosen microphone is not there. Choose another one in the settings.",
  };
  return error instanceof Refusal ? error : new Refusal(told[error.name] ?? `${what}: ${error.message}`);
}
