// Resumable uploads (tus 1.0, spec/files.md) with progress: through breaks, and for the same file after a reload.
// What does not live here: what a message says of a file, and downloads.

import type { TokenSource, UploadOptions, UploadProgress } from "../api.js";
import { TrunklineError, clientError } from "../errors.js";
import type { ErrorBody, FileView } from "../generated/wire.js";
import { retryDelayMs } from "../protocol/backoff.js";
import type { Store } from "../store/store.js";
import type { Value } from "./observable.js";

const CHUNK_BYTES = 1 << 20;
const TUS = { "Tus-Resumable": "1.0.0" };
const PREFIX = "upload:";

export interface UploadHost {
  base: string;
  token: TokenSource;
  store: Store;
  /** What is known of a finished upload. */
  view(file: string): Promise<FileView>;
}

export class FileUpload {
  #url = "";
  readonly #key: string;
  readonly #controller = new AbortController();
  #resumed: Promise<void> | undefined;
  #goOn: () => void = () => {};

  readonly #host: UploadHost;
  readonly #file: Blob;
  readonly #options: UploadOptions;
  readonly #progress: Value<UploadProgress>;

  constructor(
    host: UploadHost,
    file: Blob,
    options: UploadOptions,
    progress: Value<UploadProgress>,
  ) {
    this.#host = host;
    this.#file = file;
    this.#options = options;
    this.#progress = progress;
    const { name, lastModified } = file as Partial<File>;
    this.#key = PREFIX + [options.name ?? name ?? "", file.size, file.type, lastModified ?? ""].join("|");
    options.signal?.addEventListener("abort", () => void this.abort());
    if (options.signal?.aborted) void this.abort();
  }

  pause(): void {
    if (this.#resumed || this.#over) return;
    this.#resumed = new Promise((resolve) => (this.#goOn = resolve));
    this.#show("paused");
  }

  resume(): void {
    if (!this.#resumed) return;
    this.#resumed = undefined;
    this.#show("sending");
    this.#goOn();
  }

  async abort(): Promise<void> {
    if (this.#over) return;
    this.#show("aborted");
    this.#controller.abort();
    this.#goOn();
    await this.#remember("");
    if (this.#url) await fetch(this.#url, { method: "DELETE", headers: await this.#headers() }).catch(() => {});
  }

  get #over(): boolean {
    return ["done", "failed", "aborted"].includes(this.#progress.get().state);
  }

  async run(): Promise<FileView> {
    try {
      this.#url = (await this.#host.store.transaction("read", (tx) => tx.get("meta", [this.#key])))?.value ?? "";
      let offset = -1;
      for (let attempt = 0; offset < this.#file.size; ) {
        if (this.#resumed) await this.#resumed;
        this.#check();
        try {
          if (offset >= 0) offset = await this.#sendChunk(offset);
          else offset = (await this.#offset()) ?? (await this.#create());
          attempt = 0;
          this.#show(this.#resumed ? "paused" : "sending", offset);
        } catch (error) {
          this.#check();
          if (!this.#repeatable(error)) throw error;
          this.#show("waiting");
          const least = error instanceof TrunklineError ? error.retry_ms : 0;
          await new Promise((resolve) => setTimeout(resolve, retryDelayMs(least, ++attempt + 2, Math.random())));
          offset = -1; // ask how much arrived
        }
      }
      const view = await this.#host.view(this.#url.slice(this.#url.lastIndexOf("/") + 1));
      await this.#remember("");
      this.#show("done", this.#file.size);
      return view;
    } catch (error) {
      if (!this.#over) {
        await this.#remember("").catch(() => {});
        this.#show("failed");
      }
      throw error;
    }
  }

  async #create(): Promise<number> {
    const { name = (this.#file as Partial<File>).name, mime = this.#file.type } = this.#options;
    const metadata = Object.entries({ filename: name, filetype: mime }).filter(([, value]) => value);
    const headers: Record<string, string> = { "Upload-Length": String(this.#file.size) };
    if (metadata.length) headers["Upload-Metadata"] = metadata.map(([key, value]) => `${key} ${base64(value!)}`).join(",");
    const response = await this.#request(`${this.#host.base}/v1/uploads`, "POST", headers);
    this.#url = new URL(response.headers.get("Location")!, response.url).href;
    await this.#remember(this.#url);
    return 0;
  }

  /** How much the server has; undefined: there is no upload (any more). */
  async #offset(): Promise<number | undefined> {
    if (!this.#url) return undefined;
    try {
      return Number((await this.#request(this.#url, "HEAD")).headers.get("Upload-Offset"));
    } catch (error) {
      if (error instanceof TrunklineError && error.family < 4) return undefined;
      throw error;
    }
  }

  async #sendChunk(offset: number): Promise<number> {
    const end = Math.min(this.#file.size, offset + (this.#options.chunk_bytes ?? CHUNK_BYTES));
    const headers = { "Content-Type": "application/offset+octet-stream", "Upload-Offset": String(offset) };
    if (end === this.#file.size) this.#show("checking", offset);
    const response = await this.#request(this.#url, "PATCH", headers, this.#file.slice(offset, end));
    return Number(response.headers.get("Upload-Offset"));
  }

  async #request(url: string, method: string, headers: Record<string, string> = {}, body?: Blob): Promise<Response> {
    const signal = this.#controller.signal;
    const response = await fetch(url, { method, headers: { ...(await this.#headers()), ...headers }, signal, body: body ?? null });
    if (response.ok) return response;
    const problem = (await response.json().catch(() => ({}))) as Partial<ErrorBody> & { detail?: string };
    throw new TrunklineError({
      code: problem.code ?? (response.status >= 500 || response.status === 423 ? 4001 : 3002),
      name: problem.name ?? `http_${response.status}`,
      message: problem.message ?? problem.detail ?? response.statusText,
      retry: problem.retry ?? (response.status >= 500 || response.status === 423 ? "later" : "never"),
      applied: problem.applied ?? false,
      retry_ms: problem.retry_ms ?? 0,
    });
  }

  async #headers(): Promise<Record<string, string>> {
    const { token } = this.#host;
    return { ...TUS, Authorization: `Bearer ${typeof token === "string" ? token : await token()}` };
  }

  /** A network failure, or a refusal that may end; an offset that differs is asked for again. */
  #repeatable(error: unknown): boolean {
    return !(error instanceof TrunklineError) || error.retry !== "never" || error.slug === "offset_mismatch" || error.slug === "checksum_mismatch";
  }

  #check(): void {
    if (this.#controller.signal.aborted) throw clientError("aborted", "the upload was aborted");
  }

  #remember(url: string): Promise<void> {
    return this.#host.store.transaction("plain", async (tx) =>
      url ? tx.put("meta", { key: this.#key, value: url }) : tx.delete("meta", [this.#key]),
    );
  }

  #show(state: UploadProgress["state"], sent_bytes = this.#progress.get().sent_bytes): void {
    this.#progress.set({ state, sent_bytes, size_bytes: this.#file.size });
  }
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
