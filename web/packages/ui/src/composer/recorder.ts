/** Records sound from the microphone: start, stop, and the loudness on the way for the waveform. */

/** A finished recording. */
export interface Recording {
  blob: Blob;
  duration_ms: number;
  /** Loudness of 0..255, at most 64 values. */
  waveform: number[];
}

const TYPES = ["audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/mp4"];
const SAMPLE_EVERY_MS = 100;

/** Whether this browser can record. */
export function canRecord(): boolean {
  return typeof MediaRecorder !== "undefined" && navigator.mediaDevices !== undefined;
}

/** One recording. */
export class Recorder {
  private readonly chunks: Blob[] = [];
  private readonly levels: number[] = [];
  private timer: ReturnType<typeof setInterval> | undefined;
  private begun_ms = 0;

  private constructor(
    private readonly stream: MediaStream,
    private readonly recorder: MediaRecorder,
    private readonly sound: AudioContext,
  ) {}

  /** Ask for the microphone and begin. Rejects when it may not be used. */
  static async start(): Promise<Recorder> {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true } });
    const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
    const media = new MediaRecorder(stream, mimeType === undefined ? {} : { mimeType, audioBitsPerSecond: 32_000 });
    const recorder = new Recorder(stream, media, new AudioContext());
    recorder.begin();
    return recorder;
  }

  /** How long it has been recording. */
  get duration_ms(): number {
    return performance.now() - this.begun_ms;
  }

  /** The latest loudness, 0..1. */
  get level(): number {
    return (this.levels.at(-1) ?? 0) / 255;
  }

  private begin(): void {
    const analyser = this.sound.createAnalyser();
    analyser.fftSize = 512;
    this.sound.createMediaStreamSource(this.stream).connect(analyser);
    const samples = new Uint8Array(analyser.fftSize);
    this.timer = setInterval(() => {
      analyser.getByteTimeDomainData(samples);
      let peak = 0;
      for (const sample of samples) peak = Math.max(peak, Math.abs(sample - 128));
      this.levels.push(Math.min(255, Math.round(peak * 2.6)));
    }, SAMPLE_EVERY_MS);
    this.recorder.addEventListener("dataavailable", (event) => event.data.size > 0 && this.chunks.push(event.data));
    this.begun_ms = performance.now();
    this.recorder.start(250);
  }

  /** End it and get the sound. */
  async stop(): Promise<Recording> {
    const duration_ms = Math.round(this.duration_ms);
    if (this.recorder.state !== "inactive")
      await new Promise<void>((resolve) => {
        this.recorder.addEventListener("stop", () => resolve(), { once: true });
        this.recorder.stop();
      });
    this.release();
    const type = (this.recorder.mimeType || "audio/webm").split(";")[0] as string;
    return { blob: new Blob(this.chunks, { type }), duration_ms, waveform: squeeze(this.levels, 64) };
  }

  /** End it and forget the sound. */
  cancel(): void {
    if (this.recorder.state !== "inactive") this.recorder.stop();
    this.release();
  }

  private release(): void {
    clearInterval(this.timer);
    for (const track of this.stream.getTracks()) track.stop();
    void this.sound.close();
  }
}

/** At most `count` values that look like all of them: the peak of each slice. */
export function squeeze(values: readonly number[], count: number): number[] {
  if (values.length <= count) return [...values];
  return Array.from({ length: count }, (_, at) =>
    Math.max(...values.slice(Math.floor((at * values.length) / count), Math.floor(((at + 1) * values.length) / count))),
  );
}
