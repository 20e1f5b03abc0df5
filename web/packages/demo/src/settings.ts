/** Theme and language of the demo, kept in this browser. No library: the first page has nothing else. */

export type Theme = "light" | "dark";

/** The theme: as chosen, else as the system has it. */
export function theme(): Theme {
  const kept = read("theme");
  if (kept === "light" || kept === "dark") return kept;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** `en` or `zh`: as asked for in the address, as chosen, else as the browser has it. */
export function language(): "en" | "zh" {
  const asked = new URLSearchParams(location.search).get("lang") ?? read("lang") ?? navigator.language;
  return asked.startsWith("zh") ? "zh" : "en";
}

/** Show the page in them. */
export function apply(): void {
  document.documentElement.dataset["tlTheme"] = theme();
  document.documentElement.lang = language() === "zh" ? "zh-CN" : "en";
}

export function setTheme(value: Theme): void {
  write("theme", value);
  apply();
}

export function setLanguage(value: "en" | "zh"): void {
  write("lang", value);
  const url = new URL(location.href);
  url.searchParams.delete("lang");
  history.replaceState(null, "", url);
  apply();
}

function read(name: string): string | null {
  try {
    return localStorage.getItem(`trunkline-demo-${name}`);
  } catch {
    return null;
  }
}

function write(name: string, value: string): void {
  try {
    localStorage.setItem(`trunkline-demo-${name}`, value);
  } catch {
    // Without storage the choice holds for this page.
  }
}
