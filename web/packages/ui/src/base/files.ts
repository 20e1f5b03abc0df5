/** Addresses of files for pictures, sound and films: of an upload to this server, or of another place. */

import type { ReactiveController, ReactiveControllerHost } from "lit";
import type { ClientApi } from "@trunkline/core";

import { safeMedia } from "./links.js";

type Variant = "content" | "thumbnail" | "poster";

/** Finds the addresses a component needs; it is drawn again when one is there. */
export class FileAddresses implements ReactiveController {
  private readonly found = new Map<string, string | null>();

  constructor(private readonly host: ReactiveControllerHost & { readonly client: ClientApi | undefined }) {
    host.addController(this);
  }

  hostConnected(): void {
    // A link made before may have ended meanwhile.
    this.found.clear();
  }

  /** The address; undefined while it is looked up, null when there is none. */
  of(content: Readonly<Record<string, unknown>>, variant: Variant = "content"): string | null | undefined {
    const file = content["file"];
    if (typeof file !== "string" || file === "") {
      const other = variant === "content" ? content["url"] : content[variant];
      return safeMedia(other) ?? null;
    }
    const client = this.host.client;
    if (client === undefined) return undefined;
    const key = `${variant} ${file}`;
    const known = this.found.get(key);
    if (known !== undefined || this.found.has(key)) return known === "" ? undefined : known;
    this.found.set(key, "");
    client.fileUrl(file, variant).then(
      (address) => this.settle(key, safeMedia(address) ?? null),
      () => this.settle(key, null),
    );
    return undefined;
  }

  private settle(key: string, address: string | null): void {
    this.found.set(key, address);
    this.host.requestUpdate();
  }
}
