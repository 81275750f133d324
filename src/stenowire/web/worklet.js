// In the audio thread: sound as it comes, mixed to one channel, posted in frames of 100 ms of 16-bit samples.
// In: `processorOptions.keep`, how many samples of the device make one of ours. Out: Int16Array by its port.

class Frames extends AudioWorkletProcessor {
  constructor(options) {
    super();
    this.keep = options.processorOptions.keep;
    this.length = Math.round(sampleRate / this.keep / 10);
    this.frame = new Int16Array(this.length);
    this.filled = 0;
    this.sum = 0;
    this.summed = 0;
  }

  process([channels]) {
    const length = channels[0]?.length ?? 0;
    for (let at = 0; at < length; at += 1) {
      let sample = 0;
      for (const channel of channels) sample += channel[at];
      this.take(sample / channels.length);
    }
    return true;
  }

  // A device above 48 kHz is averaged down: the server takes no more, and speech has nothing up there.
  take(sample) {
    this.sum += sample;
    this.summed += 1;
    if (this.summed < this.keep) return;
    const mean = Math.max(-1, Math.min(1, this.sum / this.keep));
    this.frame[this.filled] = mean < 0 ? mean * 32768 : mean * 32767;
    this.filled += 1;
    this.sum = this.summed = 0;
    if (this.filled < this.length) return;
    this.port.postMessage(this.frame, [this.frame.buffer]);
    this.frame = new Int16Array(this.length);
    this.filled = 0;
  }
}

registerProcessor("frames", Frames);
