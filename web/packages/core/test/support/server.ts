// A real server in its own process, an app on it, and tokens; used by tests of the client.

import { type ChildProcess, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../../../../..");
const PYTHON = process.env.TRUNKLINE_PYTHON ?? join(ROOT, ".venv/bin/python");

export interface App {
  key: string;
  secret: string;
}

export class Server {
  url = "";
  private process: ChildProcess | undefined;
  readonly directory = mkdtempSync(join(tmpdir(), "trunkline-web-"));

  constructor(private readonly options: Record<string, string> = {}) {}

  /** Start, or start again on the same data and port. */
  async start(): Promise<void> {
    const port = this.url ? new URL(this.url).port : "0";
    const settings = { LIMITS__KEY_RATE: "0", LIMITS__PARTY_RATE: "0", STORE__DIRECTORY: join(this.directory, "data"), ...this.options };
    const env = Object.fromEntries(Object.entries(settings).map(([name, value]) => [`TRUNKLINE_${name}`, value]));
    const log = openSync(join(this.directory, "server.log"), "a");
    const server = spawn(PYTHON, ["-m", "trunkline.server.cli", "serve", "--port", port, "--json"], {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", log],
    });
    this.process = server;
    this.url = await new Promise<string>((resolve, reject) => {
      let text = "";
      server.stdout!.on("data", (data) => {
        text += data;
        if (text.includes("\n")) resolve(JSON.parse(text.split("\n")[0]!).url);
      });
      server.on("exit", () => reject(new Error(readFileSync(join(this.directory, "server.log"), "utf8"))));
    });
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    const { process } = this;
    if (!process || process.exitCode !== null || process.signalCode) return;
    const ended = new Promise((resolve) => process.once("exit", resolve));
    process.kill("SIGKILL");
    await ended;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }

  async app(): Promise<App> {
    const admin = readFileSync(join(this.directory, "data.admin.token"), "utf8").trim();
    const response = await fetch(`${this.url}/v1/admin/apps`, {
      method: "POST",
      headers: { Authorization: `Bearer ${admin}`, "Content-Type": "application/json" },
      body: JSON.stringify({ name: "test" }),
    });
    const { key } = (await response.json()) as { key: App };
    return key;
  }
}

/** A client token (a JWT), as an app's own backend mints it. */
export function mint({ key, secret }: App, party: string, ttlS = 3600): string {
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: key, sub: party, iat: now, exp: now + ttlS, grants: { im: {} } };
  const head = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
  return `${head}.${createHmac("sha256", secret).update(head).digest("base64url")}`;
}

/** Wait for a condition, looking again and again. */
export async function until<T>(condition: () => T | Promise<T>, timeoutMs = 45_000): Promise<Exclude<T, false | null | undefined | 0 | "">> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value) return value as Exclude<T, false | null | undefined | 0 | "">;
    if (Date.now() > end) throw new Error(`not within ${timeoutMs} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
