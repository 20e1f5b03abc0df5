/** Blurhash: a few characters that say how a picture looks from far away. Decodes to the colour at a few points. */

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~";

function number(text: string): number {
  let value = 0;
  for (const digit of text) value = value * 83 + DIGITS.indexOf(digit);
  return value;
}

const toLinear = (value: number): number => {
  const part = value / 255;
  return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
};

const toByte = (value: number): number => {
  const part = Math.max(0, Math.min(1, value));
  return Math.round((part <= 0.0031308 ? part * 12.92 : 1.055 * part ** (1 / 2.4) - 0.055) * 255);
};

const signedSquare = (value: number): number => Math.sign(value) * value * value;

/** RGBA bytes of a small picture; undefined when the text is no blurhash. */
export function decodeBlurhash(hash: unknown, width: number, height: number): Uint8ClampedArray<ArrayBuffer> | undefined {
  if (typeof hash !== "string" || hash.length < 6 || [...hash].some((digit) => !DIGITS.includes(digit))) return undefined;
  const size = number(hash.slice(0, 1));
  const [across, down] = [(size % 9) + 1, Math.floor(size / 9) + 1];
  if (hash.length !== 4 + 2 * across * down) return undefined;
  const strength = (number(hash.slice(1, 2)) + 1) / 166;
  const waves: [number, number, number][] = [];
  for (let at = 0; at < across * down; at++) {
    if (at === 0) {
      const value = number(hash.slice(2, 6));
      waves.push([toLinear(value >> 16), toLinear((value >> 8) & 255), toLinear(value & 255)]);
    } else {
      const value = number(hash.slice(4 + at * 2, 6 + at * 2));
      const parts = [Math.floor(value / 361), Math.floor(value / 19) % 19, value % 19];
      waves.push(parts.map((part) => signedSquare((part - 9) / 9) * strength) as [number, number, number]);
    }
  }
  const pixels = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const sum = [0, 0, 0];
      for (let j = 0; j < down; j++)
        for (let i = 0; i < across; i++) {
          const basis = Math.cos((Math.PI * x * i) / width) * Math.cos((Math.PI * y * j) / height);
          const wave = waves[i + j * across] as [number, number, number];
          for (let part = 0; part < 3; part++) sum[part] = (sum[part] ?? 0) + (wave[part] ?? 0) * basis;
        }
      pixels.set([...sum.map(toByte), 255], (y * width + x) * 4);
    }
  return pixels;
}
