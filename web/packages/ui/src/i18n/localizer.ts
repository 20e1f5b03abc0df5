/**
 * Words and formats of a language: messages by key, plurals, dates, durations, sizes.
 *
 * A catalogue maps keys to strings with `{name}` places, or to functions where a language needs grammar. English is the
 * reference: a key another language lacks is shown in English. Not here: the words (`en.ts`, `zh.ts`).
 */

import { en } from "./en.js";
import { zh } from "./zh.js";

/** The values that fill the places of a message. */
export type Values = Readonly<Record<string, string | number>>;
/** One message: text with `{places}`, or a function of the values and the localizer. */
export type Phrase = string | ((values: Values, localizer: Localizer) => string);
/** The messages of one language. */
export type Catalogue = Readonly<Record<string, Phrase>>;
/** The keys of the chat components' own messages. */
export type MessageKey = keyof typeof en;

const catalogues = new Map<string, Record<string, Phrase>>([
  ["en", { ...en }],
  ["zh", { ...zh }],
]);

/** Languages whose script runs from right to left. */
const RIGHT_TO_LEFT = new Set(["ar", "arc", "dv", "fa", "ha", "he", "khw", "ks", "ku", "ps", "sd", "ug", "ur", "yi"]);

const DAY_MS = 86_400_000;

/**
 * Add a language, or messages to one that is there. Components drawn later show them.
 *
 * @param language A BCP 47 language such as `fr` or `pt-BR`.
 */
export function registerMessages(language: string, messages: Catalogue): void {
  const found = catalogues.get(language) ?? {};
  catalogues.set(language, Object.assign(found, messages));
  localizers.clear();
}

/** Speaks one language. */
export class Localizer {
  /** The language as it was asked for. */
  readonly language: string;
  /** `ltr` or `rtl`, as the language is written. */
  readonly direction: "ltr" | "rtl";
  private readonly words: readonly Record<string, Phrase>[];
  private readonly formats = new Map<string, Intl.DateTimeFormat>();
  private readonly plurals: Intl.PluralRules;
  private readonly numbers: Intl.NumberFormat;
  private readonly compactNumbers: Intl.NumberFormat;

  constructor(language: string) {
    this.language = supported(language);
    const base = this.language.split("-")[0] ?? "en";
    this.direction = RIGHT_TO_LEFT.has(base) ? "rtl" : "ltr";
    this.words = [this.language, base, "en"].flatMap((name) => {
      const found = catalogues.get(name);
      return found === undefined ? [] : [found];
    });
    this.plurals = new Intl.PluralRules(this.language);
    this.numbers = new Intl.NumberFormat(this.language);
    this.compactNumbers = new Intl.NumberFormat(this.language, { notation: "compact", maximumFractionDigits: 1 });
  }

  /** The message of a key. A key nobody knows is shown as it is. */
  text(key: MessageKey | (string & {}), values: Values = {}): string {
    for (const catalogue of this.words) {
      const phrase = catalogue[key];
      if (phrase === undefined) continue;
      if (typeof phrase === "function") return phrase(values, this);
      return phrase.replace(/\{(\w+)\}/g, (place, name: string) => {
        const value = values[name];
        return value === undefined ? place : typeof value === "number" ? this.number(value) : value;
      });
    }
    return key;
  }

  /** The form for a count, by the plural rules of the language. */
  plural(count: number, forms: { one?: string; other: string }): string {
    const form = this.plurals.select(count) === "one" ? (forms.one ?? forms.other) : forms.other;
    return form.replace("{count}", this.number(count));
  }

  /** A number, grouped as the language does. */
  number(value: number): string {
    return this.numbers.format(value);
  }

  /** A number in few characters: 1.2K. */
  compact(value: number): string {
    return this.compactNumbers.format(value);
  }

  /** The time of day. */
  time(at_ms: number): string {
    return this.format({ hour: "numeric", minute: "2-digit" }, at_ms);
  }

  /** A day, as people say it: today, yesterday, a weekday, a date. */
  day(at_ms: number, now_ms: number = Date.now()): string {
    const days = Math.round((startOfDay(now_ms) - startOfDay(at_ms)) / DAY_MS);
    if (days === 0) return this.text("today");
    if (days === 1) return this.text("yesterday");
    if (days > 1 && days < 7) return this.format({ weekday: "long" }, at_ms);
    const sameYear = new Date(at_ms).getFullYear() === new Date(now_ms).getFullYear();
    return this.format(
      sameYear ? { month: "long", day: "numeric", weekday: "short" } : { year: "numeric", month: "long", day: "numeric" },
      at_ms,
    );
  }

  /** When, as short as it is clear: a time today, else a day; what is to come, with its time while it is near. */
  recent(at_ms: number, now_ms: number = Date.now()): string {
    const days = Math.round((startOfDay(now_ms) - startOfDay(at_ms)) / DAY_MS);
    if (days === 0) return this.time(at_ms);
    if (days === -1) return this.text("tomorrow_at", { time: this.time(at_ms) });
    if (days < 0 && days > -7) return this.format({ weekday: "short", hour: "numeric", minute: "2-digit" }, at_ms);
    if (days === 1) return this.text("yesterday");
    if (days > 0 && days < 7) return this.format({ weekday: "short" }, at_ms);
    const sameYear = new Date(at_ms).getFullYear() === new Date(now_ms).getFullYear();
    return this.format(
      sameYear ? { month: "short", day: "numeric" } : { year: "numeric", month: "numeric", day: "numeric" },
      at_ms,
    );
  }

  /** Day and time in full. */
  dateTime(at_ms: number, timeZone?: string): string {
    const options: Intl.DateTimeFormatOptions = {
      weekday: "short", month: "short", day: "numeric", hour: "numeric", minute: "2-digit",
    };
    if (new Date(at_ms).getFullYear() !== new Date().getFullYear()) options.year = "numeric";
    if (timeZone !== undefined) options.timeZone = timeZone;
    try {
      return this.format(options, at_ms);
    } catch {
      delete options.timeZone;
      return this.format(options, at_ms);
    }
  }

  /** Parts of a date for a calendar leaf. */
  calendar(at_ms: number): { month: string; day: string; weekday: string } {
    return {
      month: this.format({ month: "short" }, at_ms),
      day: String(new Date(at_ms).getDate()),
      weekday: this.format({ weekday: "short" }, at_ms),
    };
  }

  /** Minutes and seconds: 3:07, or hours in front: 1:03:07. */
  duration(duration_ms: number): string {
    const seconds = Math.max(0, Math.round(duration_ms / 1000));
    const two = (value: number): string => String(value).padStart(2, "0");
    const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
    return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
  }

  /** Bytes for people: 2.4 MB. */
  size(size_bytes: number): string {
    const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
    let [value, unit] = [size_bytes, 0];
    while (value >= 1000 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
    return new Intl.NumberFormat(this.language, {
      style: "unit", unit: units[unit] ?? "byte", unitDisplay: unit === 0 ? "long" : "short",
      maximumFractionDigits: value < 10 && unit > 0 ? 1 : 0,
    }).format(value);
  }

  /** An amount of minor units of a currency; without one, the number. */
  money(amount: number, currency?: string): string {
    if (currency !== undefined && /^[A-Za-z]{3}$/.test(currency)) {
      const format = new Intl.NumberFormat(this.language, { style: "currency", currency });
      return format.format(amount / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
    }
    return currency ? `${this.number(amount)} ${currency}` : this.number(amount);
  }

  /** Names joined as the language does: Ann, Bob and Cem. */
  list(names: readonly string[]): string {
    return new Intl.ListFormat(this.language, { style: "long", type: "conjunction" }).format(names);
  }

  private format(options: Intl.DateTimeFormatOptions, at_ms: number): string {
    const key = JSON.stringify(options);
    let format = this.formats.get(key);
    if (format === undefined) {
      format = new Intl.DateTimeFormat(this.language, options);
      this.formats.set(key, format);
    }
    return format.format(at_ms);
  }
}

const localizers = new Map<string, Localizer>();

/** The localizer of a language, made once. Languages without messages fall back to English words. */
export function localizer(language: string): Localizer {
  let found = localizers.get(language);
  if (found === undefined) {
    found = new Localizer(language);
    localizers.set(language, found);
  }
  return found;
}

/** Midnight before a moment, in the time zone of the device. */
export function startOfDay(at_ms: number): number {
  const date = new Date(at_ms);
  date.setHours(0, 0, 0, 0);
  return date.getTime();
}

function supported(language: string): string {
  try {
    return Intl.getCanonicalLocales(language)[0] ?? "en";
  } catch {
    return "en";
  }
}
