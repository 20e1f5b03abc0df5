/** Files on their way: uploaded, then sent as the message that fits them. */

import type { ClientApi, FileView, SendOptions, Upload, UploadProgress } from "@trunkline/core";

/** A file being sent. */
export interface Outgoing {
  id: number;
  name: string;
  size_bytes: number;
  progress: UploadProgress;
  upload: Upload;
  error?: unknown;
}

/** The type and content of the message for an uploaded file. */
export function messageOf(view: FileView, voice?: { duration_ms: number; waveform: number[] }): { type: string; content: Record<string, unknown> } {
  const { file, name, mime, size_bytes, kind } = view;
  const given = (values: Record<string, unknown>): Record<string, unknown> =>
    Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined && value !== 0 && value !== ""));
  if (kind === "image")
    return { type: "image", content: given({ file, mime, size_bytes, width: view.width, height: view.height, blurhash: view.blurhash }) };
  if (kind === "video")
    return { type: "video", content: given({ file, mime, size_bytes, width: view.width, height: view.height, duration_ms: view.duration_ms, blurhash: view.blurhash }) };
  // Only what was recorded here is a voice message; other sound is a file with a name.
  if (kind === "audio" && voice !== undefined)
    return {
      type: "voice",
      content: given({ file, mime, size_bytes, duration_ms: view.duration_ms || voice.duration_ms, waveform: view.waveform?.length ? view.waveform : voice.waveform }),
    };
  return { type: "file", content: { file, name: name || "file", mime, size_bytes } };
}

/** The files of one composer. */
export class Uploads {
  readonly list: Outgoing[] = [];
  private next = 1;

  constructor(private readonly changed: () => void) {}

  /** Upload a file and send it to a conversation. */
  send(client: ClientApi, to: string, blob: Blob, name: string, options: SendOptions, voice?: { duration_ms: number; waveform: number[] }): Promise<void> {
    const upload = client.upload(blob, { name, ...(blob.type ? { mime: blob.type } : {}) });
    const outgoing: Outgoing = { id: this.next++, name, size_bytes: blob.size, progress: upload.get(), upload };
    this.list.push(outgoing);
    const stop = upload.subscribe((progress) => {
      outgoing.progress = progress;
      this.changed();
    });
    this.changed();
    return upload.done
      .then((view) => {
        const { type, content } = messageOf(view, voice);
        const handle = client.send(to, content, { ...options, type });
        handle.sent.catch(() => undefined);
        return handle.stored;
      })
      .then(
        () => this.drop(outgoing),
        (error: unknown) => {
          if (outgoing.progress.state === "aborted") this.drop(outgoing);
          else outgoing.error = error;
        },
      )
      .finally(() => {
        stop();
        this.changed();
      });
  }

  /** Stop an upload, or dismiss a failed one. */
  cancel(outgoing: Outgoing): void {
    if (outgoing.error === undefined) void outgoing.upload.abort().catch(() => undefined);
    this.drop(outgoing);
    this.changed();
  }

  private drop(outgoing: Outgoing): void {
    const at = this.list.indexOf(outgoing);
    if (at >= 0) this.list.splice(at, 1);
  }
}
