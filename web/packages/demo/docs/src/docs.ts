/** What the documentation's pages do: theme, menu on small screens, and search in titles. */

import { setTheme, theme } from "../../src/settings.js";

type Entry = [path: string, title: string, ...headings: [id: string, text: string][]];

const root = document.documentElement;
root.dataset["tlTheme"] = theme();
document.querySelector("#theme")?.addEventListener("click", () => {
  setTheme(theme() === "dark" ? "light" : "dark");
  root.dataset["tlTheme"] = theme();
  root.lang = pageLanguage;
});
const pageLanguage = root.lang;

const menu = document.querySelector<HTMLButtonElement>("#menu");
menu?.addEventListener("click", () => {
  const open = document.body.toggleAttribute("data-menu");
  menu.setAttribute("aria-expanded", String(open));
});

const input = document.querySelector<HTMLInputElement>("#search");
const list = document.querySelector<HTMLUListElement>("#found");
let index: Promise<Entry[]> | undefined;
let active = -1;

async function find(text: string): Promise<{ path: string; title: string; under: string }[]> {
  index ??= fetch(document.body.dataset["index"] ?? "").then((answer) => answer.json() as Promise<Entry[]>);
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const holds = (value: string): boolean => words.every((word) => value.toLowerCase().includes(word));
  const found: { path: string; title: string; under: string }[] = [];
  for (const [path, title, ...headings] of await index) {
    if (holds(title)) found.unshift({ path, title, under: "" });
    for (const [id, heading] of headings) if (holds(`${title} ${heading}`) && !holds(title)) found.push({ path: `${path}#${id}`, title: heading, under: title });
  }
  return found.slice(0, 12);
}

async function show(): Promise<void> {
  if (input === null || list === null) return;
  const text = input.value.trim();
  const found = text === "" ? [] : await find(text);
  if (text !== input.value.trim()) return;
  active = -1;
  input.removeAttribute("aria-activedescendant");
  list.replaceChildren(
    ...found.map((hit, at) => {
      const item = document.createElement("li");
      item.id = `hit-${at}`;
      item.setAttribute("role", "option");
      item.dataset["path"] = hit.path;
      const title = document.createElement("b");
      title.textContent = hit.title;
      const under = document.createElement("span");
      under.textContent = hit.under;
      item.append(title, under);
      item.addEventListener("pointerdown", () => (location.href = hit.path));
      return item;
    }),
  );
  if (text !== "" && found.length === 0) {
    const none = document.createElement("li");
    none.setAttribute("role", "option");
    none.setAttribute("aria-disabled", "true");
    none.textContent = document.body.dataset["none"] ?? "";
    list.append(none);
  }
  list.hidden = text === "";
  input.setAttribute("aria-expanded", String(text !== ""));
}

function move(step: number): void {
  const items = [...(list?.querySelectorAll<HTMLElement>("[data-path]") ?? [])];
  if (items.length === 0) return;
  active = (active + step + items.length) % items.length;
  items.forEach((item, at) => item.setAttribute("aria-selected", String(at === active)));
  input?.setAttribute("aria-activedescendant", items[active]?.id ?? "");
}

input?.addEventListener("input", () => void show());
input?.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown") move(1);
  else if (event.key === "ArrowUp") move(-1);
  else if (event.key === "Escape") {
    input.value = "";
    void show();
  } else if (event.key === "Enter") {
    const item = list?.querySelectorAll<HTMLElement>("[data-path]")[Math.max(0, active)];
    if (item?.dataset["path"]) location.href = item.dataset["path"];
  } else return;
  event.preventDefault();
});
input?.addEventListener("blur", () => {
  if (list) list.hidden = true;
  input.setAttribute("aria-expanded", "false");
});
addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target instanceof HTMLInputElement) return;
  event.preventDefault();
  input?.focus();
});
