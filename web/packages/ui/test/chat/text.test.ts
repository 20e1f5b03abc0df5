import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { pieces, safeLink, safeMedia } from "../../src/base/links.js";
import { decodeBlurhash } from "../../src/base/blurhash.js";
import { matching, mentionAt, mentioned, withMention } from "../../src/composer/mentions.js";
import { partiesOf } from "../../src/group/parties.js";
import { localizer } from "../../src/i18n/localizer.js";
import { isEmojiOnly } from "../../src/messages/content.js";
import { barsOf } from "../../src/messages/voice.js";
import { highlighted } from "../../src/search/search.js";

describe("texts", () => {
  it("are cut into pieces that are the text again, with only safe links", () => {
    const part = fc.oneof(fc.string(), fc.constantFrom("https://a.example/x?y=1", "javascript:harm()", "www.b.example.", "@Ann Lee", "@", "(https://c.example/d_(e))", "data:text/html,x"));
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const text = parts.join(" ");
        const found = pieces(text, [{ name: "Ann Lee", party: "user/ann" }]);
        expect(found.map((piece) => piece.text).join("")).toBe(text);
        for (const piece of found) if (piece.kind === "link") expect(piece.href).toMatch(/^https?:\/\//);
      }),
    );
  });

  it("keep brackets of a link and leave the end of a sentence out of it", () => {
    const links = (text: string) => pieces(text).flatMap((piece) => (piece.kind === "link" ? [piece.text] : []));
    expect(links("see (https://a.example/b_(c)), or https://d.example/e.")).toEqual(["https://a.example/b_(c)", "https://d.example/e"]);
  });

  it("know what may be followed and loaded", () => {
    for (const address of ["javascript:x", " JaVaScRiPt:x", "java\nscript:x", "vbscript:x", "data:text/html,x", "file:///etc/passwd", "", 7, null]) {
      expect(safeLink(address)).toBeUndefined();
      expect(safeMedia(address)).toBeUndefined();
    }
    expect(safeLink("mailto:ann@a.example")).toBe("mailto:ann@a.example");
    expect(safeMedia("mailto:ann@a.example")).toBeUndefined();
    expect(safeMedia("/v1/files/f_1/content")).toMatch(/^http.*\/v1\/files\/f_1\/content$/);
  });

  it("of a few emoji are large", () => {
    expect(["🚀", "👍🏽 👍", "☕️🏔️"].map(isEmojiOnly)).toEqual([true, true, true]);
    expect(["", "1", "123", "ok 🚀", "🚀🚀🚀🚀"].map(isEmojiOnly)).toEqual([false, false, false, false, false]);
  });

  it("show hits of a search where they are, also behind emoji", () => {
    const found = highlighted("🚀🚀 the valley", [{ start: 7, end: 13 }]);
    expect(found.filter((piece) => piece.hit)).toEqual([{ text: "valley", hit: true }]);
    expect(found.map((piece) => piece.text).join("")).toBe("🚀🚀 the valley");
  });
});

describe("mentions", () => {
  const people = [{ party: "user/bo", name: "Bo Chen" }, { party: "user/carla", name: "Carla Díaz" }, { party: "user/li", name: "李雨桐" }];

  it("begin at an @ behind a space, not inside an address", () => {
    expect(mentionAt("hi @bo", 6)).toEqual({ at: 3, text: "bo" });
    expect(mentionAt("ann@example.org", 15)).toBeUndefined();
    expect(mentionAt("你好@李", 4)).toEqual({ at: 2, text: "李" });
    expect(mentionAt("@bo said something", 18)).toBeUndefined();
  });

  it("find people by any of their names, and put the whole name in", () => {
    expect(matching(people, "ch").map((one) => one.party)).toEqual(["user/bo"]);
    expect(matching(people, "雨").map((one) => one.party)).toEqual(["user/li"]);
    expect(withMention("hi @bo there", { at: 3, text: "bo" }, 6, "Bo Chen")).toEqual({ text: "hi @Bo Chen there", caret: 12 });
  });

  it("count only while the text still has them", () => {
    expect(mentioned("hi @Bo Chen", people)).toEqual(["user/bo"]);
    expect(mentioned("hi Bo Chen", people)).toEqual([]);
    expect(mentioned("@everyone @Bo Chen", [...people, { party: "*", name: "everyone" }])).toEqual(["*"]);
  });
});

describe("small things", () => {
  it("read parties as people type them", () => {
    expect(partiesOf("ann, user/bo；bot/helper\n")).toEqual({ parties: ["user/ann", "user/bo", "bot/helper"], wrong: "" });
    expect(partiesOf("ann, <script>").wrong).toBe("<script>");
  });

  it("draw any waveform with as many bars", () => {
    fc.assert(
      fc.property(fc.anything(), (waveform) => {
        const bars = barsOf(waveform, 20);
        expect(bars).toHaveLength(20);
        for (const bar of bars) expect(bar).toSatisfy((value: number) => value > 0 && value <= 1);
      }),
    );
  });

  it("decode a blurhash, and refuse what is none", () => {
    expect(decodeBlurhash("LEHV6nWB2yk8pyo0adR*.7kCMdnj", 8, 6)).toHaveLength(8 * 6 * 4);
    fc.assert(fc.property(fc.string(), (text) => void decodeBlurhash(text, 4, 3)));
    expect(decodeBlurhash("LEHV6nWB2yk8", 8, 6)).toBeUndefined();
  });

  it("say sizes, durations, money and counts in both languages", () => {
    const [english, chinese] = [localizer("en"), localizer("zh-CN")];
    expect(english.text("members_count", { count: 1 })).toBe("1 member");
    expect(english.text("members_count", { count: 1200 })).toBe("1,200 members");
    expect(chinese.text("members_count", { count: 3 })).toBe("3 名成员");
    expect(english.duration(187_000)).toBe("3:07");
    expect(english.duration(3_787_000)).toBe("1:03:07");
    expect(english.size(184_320)).toBe("184 kB");
    expect(english.money(412, "USD")).toBe("$4.12");
    expect(english.money(500, "JPY")).toBe("¥500");
    expect(localizer("ar").direction).toBe("rtl");
    expect(english.text("no such key")).toBe("no such key");
  });
});
