// Addresses a client computes itself: the link's URL, the id of a direct conversation, what a token names.
// What does not live here: checking any of them; the server does that and says what is wrong.

/** The WebSocket address for a server's address: `https://host` becomes `wss://host/v1/link`. */
export function linkUrl(url: string): string {
  const parsed = new URL(url);
  parsed.protocol = parsed.protocol.replace(/^http/, "ws");
  if (!/^wss?:$/.test(parsed.protocol)) throw new TypeError(`not the address of a server: ${url}`);
  if (parsed.pathname === "/") parsed.pathname = "/v1/link";
  return parsed.href;
}

/** Whether an address is a party (`user/bob`) rather than a conversation id, which has no slash. */
export const isParty = (address: string): boolean => address.includes("/");

/** The id of the direct conversation of two parties, the same from either side. */
export function directConversationId(one: string, other: string): string {
  const text = (one < other ? [one, other] : [other, one]).join("\n");
  const digest = sha256(new TextEncoder().encode(text)).slice(0, 16);
  return `d.${btoa(String.fromCharCode(...digest)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "")}`;
}

/** The party and device a token names, read without checking it; empty where it names none. */
export function claimsOf(token: string): { party: string; device: string } {
  try {
    const payload = atob(token.split(".")[1]!.replace(/-/g, "+").replace(/_/g, "/"));
    const { sub, device } = JSON.parse(payload);
    return { party: typeof sub === "string" ? sub : "", device: typeof device === "string" ? device : "" };
  } catch {
    return { party: "", device: "" };
  }
}

/**
 * SHA-256 (FIPS 180-4). Own, because the browser's is asynchronous and missing on pages served without TLS, and an id must
 * be there at once. Of public names only; nothing secret passes through here.
 */
export function sha256(message: Uint8Array): Uint8Array {
  const [k, h] = constants();
  const length = message.length;
  const padded = new Uint8Array(((length + 72) >> 6) << 6);
  padded.set(message);
  padded[length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(length / 0x20000000));
  view.setUint32(padded.length - 4, length << 3);
  const w = new Uint32Array(64);
  const rotate = (x: number, n: number): number => (x >>> n) | (x << (32 - n));
  for (let block = 0; block < padded.length; block += 64) {
    let [a, b, c, d, e, f, g, last] = h as unknown as [number, number, number, number, number, number, number, number];
    for (let i = 0; i < 64; i++) {
      if (i < 16) w[i] = view.getUint32(block + 4 * i);
      else {
        const x = w[i - 15]!;
        const y = w[i - 2]!;
        const s0 = rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3);
        const s1 = rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10);
        w[i] = w[i - 16]! + s0 + w[i - 7]! + s1;
      }
      const one = last + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + k[i]! + w[i]!;
      const two = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
      [last, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
    }
    [a, b, c, d, e, f, g, last].forEach((value, i) => (h[i] = h[i]! + value));
  }
  const digest = new DataView(new ArrayBuffer(32));
  h.forEach((word, i) => digest.setUint32(4 * i, word));
  return new Uint8Array(digest.buffer);
}

/** The first 32 bits of the fractions of the cube (and square) roots of the first primes. */
function constants(): [Uint32Array, Uint32Array] {
  const k = new Uint32Array(64);
  const h = new Uint32Array(8);
  const fraction = (x: number): number => (x - Math.floor(x)) * 2 ** 32;
  for (let n = 2, i = 0; i < 64; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) prime &&= n % d !== 0;
    if (!prime) continue;
    if (i < 8) h[i] = fraction(Math.sqrt(n));
    k[i++] = fraction(Math.cbrt(n));
  }
  return [k, h];
}
