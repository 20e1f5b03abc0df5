/**
 * Camera and microphone before a call: which ones, whether they work, how loud it is.
 *
 * The tracks become those of the call; what is not taken over is let go of. Not here: anything drawn.
 */

import { createAudioAnalyser, createLocalAudioTrack, createLocalVideoTrack, type LocalAudioTrack, type LocalTrack, type LocalVideoTrack } from "livekit-client";

import { deviceProblem } from "./problems.js";

type Kind = "camera" | "microphone";

/** The devices of a person about to join. */
export class Preview {
  camera: LocalVideoTrack | undefined;
  microphone: LocalAudioTrack | undefined;
  camera_on = true;
  microphone_on = true;
  /** Keys of words; empty while all is well. */
  readonly problems: Record<Kind, string> = { camera: "", microphone: "" };
  devices: MediaDeviceInfo[] = [];
  chosen: Record<Kind, string> = { camera: "", microphone: "" };
  private meter: { calculateVolume: () => number; cleanup: () => Promise<void> } | undefined;
  private closed = false;

  constructor(private readonly changed: () => void) {}

  /** Whether this page may use devices at all. */
  get secure(): boolean {
    return globalThis.isSecureContext && navigator.mediaDevices !== undefined;
  }

  /** Start what is wanted; problems are told, never thrown. */
  async start(wanted: { camera: boolean; microphone: boolean }): Promise<void> {
    this.camera_on = wanted.camera;
    this.microphone_on = wanted.microphone;
    // One after the other: some browsers show one question at a time and refuse the second.
    if (wanted.microphone) await this.open("microphone");
    if (wanted.camera) await this.open("camera");
    await this.list();
    navigator.mediaDevices?.addEventListener("devicechange", this.list);
  }

  /** Turn a device on or off. */
  async set(kind: Kind, on: boolean): Promise<void> {
    if (kind === "camera") this.camera_on = on;
    else this.microphone_on = on;
    if (on) await this.open(kind);
    else this.let_go(kind);
    this.changed();
  }

  /** Use another device. */
  async choose(kind: Kind, device: string): Promise<void> {
    this.chosen[kind] = device;
    if (kind === "camera" ? this.camera_on : this.microphone_on) await this.open(kind);
    this.changed();
  }

  /** How loud it is, from 0 to 1. */
  level(): number {
    return this.meter?.calculateVolume() ?? 0;
  }

  /** The tracks for the call, which are the call's from now on. */
  take(): LocalTrack[] {
    const tracks = [this.microphone, this.camera].flatMap((track): LocalTrack[] => (track === undefined ? [] : [track]));
    this.camera = this.microphone = undefined;
    this.close();
    return tracks;
  }

  /** Let go of everything. */
  close(): void {
    this.closed = true;
    navigator.mediaDevices?.removeEventListener("devicechange", this.list);
    this.let_go("camera");
    this.let_go("microphone");
    void this.meter?.cleanup();
    this.meter = undefined;
  }

  private async open(kind: Kind): Promise<void> {
    this.let_go(kind);
    const deviceId = this.chosen[kind];
    const options = deviceId ? { deviceId } : {};
    try {
      if (!this.secure) throw new Error("not a secure page");
      const track = kind === "camera" ? await createLocalVideoTrack(options) : await createLocalAudioTrack(options);
      // It may have been turned off, or the page left, while the browser asked.
      if (this.closed || !(kind === "camera" ? this.camera_on : this.microphone_on)) return track.stop();
      if (kind === "camera") this.camera = track as LocalVideoTrack;
      else {
        this.microphone = track as LocalAudioTrack;
        this.meter = createAudioAnalyser(this.microphone, { cloneTrack: false });
      }
      this.problems[kind] = "";
    } catch (error) {
      this.problems[kind] = deviceProblem(error, kind, this.secure);
      if (kind === "camera") this.camera_on = false;
      else this.microphone_on = false;
    }
    this.changed();
  }

  private let_go(kind: Kind): void {
    if (kind === "camera") {
      this.camera?.stop();
      this.camera = undefined;
      return;
    }
    void this.meter?.cleanup();
    this.meter = undefined;
    this.microphone?.stop();
    this.microphone = undefined;
  }

  private readonly list = async (): Promise<void> => {
    this.devices = this.secure ? await navigator.mediaDevices.enumerateDevices().catch(() => []) : [];
    this.changed();
  };
}
