// The MessagePack encoding of the link, for pages where bytes matter more than 1 kB of code: `@trunkline/core/msgpack`.
// What lives here: the part of the format that frames use (no extension types). What does not: what frames mean.

import type { Codec } from "./protocol/frames.js";

/** Pass as `codec` to a client. */
export const msgpackCodec: Codec = {
  subprotocol: "trunkline.v1.msgpack",
  encode: (value) => new Writer().whole(value),
  decode: (data) => {
    if (typeof data === "string") throw new TypeError("a text message on a binary link");
    return new Reader(data).whole();
  },
};

const text = { encode: new TextEncoder(), decode: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }) };

class Writer {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  whole(value: unknown): Uint8Array<ArrayBuffer> {
    this.#write(value);
    return this.#bytes.slice(0, this.#at);
  }

  #write(value: unknown): void {
    if (value === null || value === undefined) this.#byte(0xc0);
    else if (typeof value === "boolean") this.#byte(value ? 0xc3 : 0xc2);
    else if (typeof value === "number") this.#number(value);
    else if (typeof value === "string") {
      const bytes = text.encode.encode(value);
      this.#head(bytes.length, 0xa0, 31, 0xd9, 0xda, 0xdb);
      this.#put(bytes);
    } else if (value instanceof Uint8Array) {
      this.#head(value.length, 0, -1, 0xc4, 0xc5, 0xc6);
      this.#put(value);
    } else if (Array.isArray(value)) {
      this.#head(value.length, 0x90, 15, 0, 0xdc, 0xdd);
      for (const item of value) this.#write(item);
    } else if (typeof value === "object") {
      const fields = Object.entries(value).filter(([, item]) => item !== undefined);
      this.#head(fields.length, 0x80, 15, 0, 0xde, 0xdf);
      for (const [key, item] of fields) {
        this.#write(key);
        this.#write(item);
      }
    } else throw new TypeError(`MessagePack has no ${typeof value}`);
  }

  #number(value: number): void {
    if (!Number.isSafeInteger(value)) this.#sized(0xcb, 8, (at) => this.#view.setFloat64(at, value));
    else if (value >= 0 && value < 0x80) this.#byte(value);
    else if (value < 0 && value >= -32) this.#byte(0x100 + value);
    else if (value >= 0 && value <= 0xffff) this.#sized(0xcd, 2, (at) => this.#view.setUint16(at, value));
    else if (value >= 0 && value <= 0xffffffff) this.#sized(0xce, 4, (at) => this.#view.setUint32(at, value));
    else if (value >= 0) this.#sized(0xcf, 8, (at) => this.#view.setBigUint64(at, BigInt(value)));
    else this.#sized(0xd3, 8, (at) => this.#view.setBigInt64(at, BigInt(value)));
  }

  /** The first bytes of something with a length: within `most` in one byte, else behind a byte of its own (0: none). */
  #head(length: number, fixed: number, most: number, one: number, two: number, four: number): void {
    if (length <= most) this.#byte(fixed + length);
    else if (one && length <= 0xff) this.#sized(one, 1, (at) => this.#view.setUint8(at, length));
    else if (length <= 0xffff) this.#sized(two, 2, (at) => this.#view.setUint16(at, length));
    else this.#sized(four, 4, (at) => this.#view.setUint32(at, length));
  }

  #byte(value: number): void {
    this.#room(1);
    this.#bytes[this.#at++] = value;
  }

  #sized(kind: number, size: number, set: (at: number) => void): void {
    this.#byte(kind);
    this.#room(size);
    set(this.#at);
    this.#at += size;
  }

  #put(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #room(size: number): void {
    if (this.#at + size <= this.#bytes.length) return;
    const larger = new Uint8Array(2 * (this.#at + size));
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  whole(): unknown {
    const value = this.#read();
    if (this.#at !== this.#bytes.length) throw new RangeError("more than one value");
    return value;
  }

  #read(): unknown {
    const kind = this.#take(1, (at) => this.#view.getUint8(at));
    if (kind < 0x80) return kind;
    if (kind < 0x90) return this.#map(kind & 15);
    if (kind < 0xa0) return this.#list(kind & 15);
    if (kind < 0xc0) return this.#text(kind & 31);
    if (kind >= 0xe0) return kind - 0x100;
    switch (kind) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.#slice(this.#uint(1 << (kind - 0xc4))).slice();
      case 0xca:
        return this.#take(4, (at) => this.#view.getFloat32(at));
      case 0xcb:
        return this.#take(8, (at) => this.#view.getFloat64(at));
      case 0xcc:
      case 0xcd:
      case 0xce:
      case 0xcf:
        return this.#uint(1 << (kind - 0xcc));
      case 0xd0:
        return this.#take(1, (at) => this.#view.getInt8(at));
      case 0xd1:
        return this.#take(2, (at) => this.#view.getInt16(at));
      case 0xd2:
        return this.#take(4, (at) => this.#view.getInt32(at));
      case 0xd3:
        return Number(this.#take(8, (at) => this.#view.getBigInt64(at)));
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#text(this.#uint(1 << (kind - 0xd9)));
      case 0xdc:
      case 0xdd:
        return this.#list(this.#uint(2 << (kind - 0xdc)));
      case 0xde:
      case 0xdf:
        return this.#map(this.#uint(2 << (kind - 0xde)));
      default:
        throw new RangeError(`no value begins with ${kind}`);
    }
  }

  #uint(size: number): number {
    return this.#take(size, (at) => {
      if (size === 1) return this.#view.getUint8(at);
      if (size === 2) return this.#view.getUint16(at);
      return size === 4 ? this.#view.getUint32(at) : Number(this.#view.getBigUint64(at));
    });
  }

  #text(length: number): string {
    return text.decode.decode(this.#slice(length));
  }

  #list(length: number): unknown[] {
    const items: unknown[] = [];
    for (let i = 0; i < length; i++) items.push(this.#read());
    return items;
  }

  #map(length: number): Record<string, unknown> {
    const fields: [string, unknown][] = [];
    for (let i = 0; i < length; i++) fields.push([String(this.#read()), this.#read()]);
    return Object.fromEntries(fields);
  }

  #slice(length: number): Uint8Array {
    return this.#take(length, (at) => this.#bytes.subarray(at, at + length));
  }

  #take<T>(size: number, get: (at: number) => T): T {
    const at = this.#at;
    if (at + size > this.#bytes.length) throw new RangeError("the value is cut short");
    this.#at += size;
    return get(at);
  }
}
