// Builds the documentation into web/dist/docs: Markdown of the repository as pages in two languages, the reference of
// the TypeScript packages by typedoc, and a search index. Served at /docs by the server, under its strict policy: nothing
// here is inline. Not here: which pages (pages.mjs), how they look (src/docs.css).

import { build } from "esbuild";
import MarkdownIt from "markdown-it";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, posix, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Application } from "typedoc";

import { compressAll, sourcesOf } from "../pack.mjs";
import { JOBS, SECTIONS } from "./pages.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const packages = join(here, "../..");
const repository = join(packages, "../..");
const docs = join(repository, "docs");
const dist = resolve(process.argv[2] ?? join(packages, "../dist"));
// A folder that is served below "/": what is in its docs/ is at /docs.
const root = join(dist, "docs");
const out = join(root, "docs");
const escape = (text) => text.replace(/[&<>"]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[sign]);
const slug = (text) => text.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").trim().replace(/\s+/g, "-");

// ---------------------------------------------------------------- what there is

const WORDS = {
  en: { lang: "en", docs: "Docs", search: "Search the docs", none: "Nothing found", other: "中文", api: "REST reference", types: "TypeScript reference", theme: "Light or dark", menu: "Pages", toc: "On this page", hello: "What do you want to build?", lead: "Trunkline is one process for chat, live rooms and calls. Each of these takes about ten minutes.", only: "" },
  zh: { lang: "zh-CN", docs: "文档", search: "搜索文档", none: "没有结果", other: "English", api: "REST 参考", types: "TypeScript 参考", theme: "浅色或深色", menu: "页面", toc: "本页内容", hello: "你想做什么？", lead: "聊天、直播间和通话，一个进程就够了。下面每一项大约十分钟。", only: "此页只有英文。" },
};
const pages = [];
for (const language of ["en", "zh"]) {
  const at = language === "en" ? "/docs/" : "/docs/zh/";
  for (const [index, { pages: listed }] of SECTIONS.entries()) {
    for (const [name, title_en, title_zh, chinese] of listed) {
      const english = resolve(docs, `${name}.md`);
      const translated = chinese ? join(docs, "zh", `${chinese}.md`) : "";
      const own = language === "zh" && translated !== "" && existsSync(translated);
      const source = own ? translated : english;
      if (!existsSync(source)) continue;
      const path = at + basename(dirname(english) === join(repository, "spec") ? `protocol-${basename(name)}` : name);
      pages.push({ language, section: index, source, english, path, title: language === "en" ? title_en : title_zh, foreign: language === "zh" && !own });
    }
  }
}

// ---------------------------------------------------------------- the reference of the packages

const generated = join(dist, "typedoc");
rmSync(generated, { recursive: true, force: true });
const typedoc = await Application.bootstrapWithPlugins({
  plugin: ["typedoc-plugin-markdown"],
  outputs: [{ name: "markdown", path: generated }],
  entryPoints: ["core/src/index.ts", "ui/src/index.ts", "ui/src/live/index.ts", "ui/src/call/index.ts"].map((name) => join(packages, name)),
  tsconfig: join(here, "../tsconfig.json"),
  skipErrorChecking: true,
  excludePrivate: true,
  excludeInternal: true,
  excludeExternals: true,
  disableSources: true,
  readme: "none",
  name: "TypeScript",
  logLevel: "Error",
  outputFileStrategy: "modules",
  hidePageHeader: true,
  hideBreadcrumbs: true,
  useCodeBlocks: true,
  indexFormat: "table",
  parametersFormat: "table",
});
const project = await typedoc.convert();
if (project === undefined) throw new Error("typedoc found nothing");
await typedoc.generateOutputs(project);
const NAMES = { core: "@trunkline/core", ui: "@trunkline/ui", live: "@trunkline/ui/live", call: "@trunkline/ui/call" };
for (const file of existsSync(generated) ? readdirSync(generated, { recursive: true }) : []) {
  if (!String(file).endsWith(".md") || file === "README.md") continue;
  const parts = String(file).replace(/\.md$/, "").split(/[/\\]/).filter((part) => part !== "src" && part !== "index");
  const key = parts.at(-1) ?? "";
  const source = join(generated, String(file));
  for (const language of ["en", "zh"]) {
    pages.push({ language, section: SECTIONS.length, source, english: source, path: `${language === "en" ? "/docs/" : "/docs/zh/"}typescript-${key}`, title: NAMES[key] ?? key, foreign: false });
  }
}

// ---------------------------------------------------------------- Markdown to HTML

const markdown = new MarkdownIt({ html: false, linkify: false, typographer: false });
const place = (file, language) => pages.find((page) => page.language === language && (page.source === file || page.english === file))?.path;

function render(page) {
  const headings = [];
  let text = readFileSync(page.source, "utf8").replace(/<!--[\s\S]*?-->/g, "");
  if (page.source.startsWith(generated)) text = text.replace(/<a id="[^"]*"><\/a> ?/g, "").replace(/^# .*$/m, `# ${page.title}`);
  const tokens = markdown.parse(text, {});
  const seen = new Map();
  tokens.forEach((token, index) => {
    if (token.type === "heading_open") {
      const text = tokens[index + 1].children.filter((part) => ["text", "code_inline"].includes(part.type)).map((part) => part.content).join("");
      const base = slug(text) || "section";
      const times = seen.get(base) ?? 0;
      seen.set(base, times + 1);
      const id = times === 0 ? base : `${base}-${times}`;
      token.attrSet("id", id);
      headings.push({ level: Number(token.tag[1]), text, id });
    }
    if (token.type === "fence") token.attrSet("tabindex", "0");
    // Alignments come as style attributes, which the policy refuses.
    if (["th_open", "td_open"].includes(token.type)) token.attrs = null;
    for (const part of token.children ?? []) {
      if (part.type === "link_open") part.attrSet("href", address(part.attrGet("href"), page));
      if (part.type === "image") part.attrSet("src", picture(part.attrGet("src"), page));
    }
  });
  let html = markdown.renderer.render(tokens, markdown.options, {});
  // A link that leads to nothing on this site is text.
  html = html.replace(/<a href="">([\s\S]*?)<\/a>/g, "$1").replace(/<table>/g, '<div class="wide" tabindex="0"><table>').replace(/<\/table>/g, "</table></div>");
  html = html.replace(/<pre><code/g, '<pre tabindex="0"><code').replace(/<code tabindex="0"/g, "<code");
  return { html, headings };
}

function address(href, page) {
  if (/^(https?:|mailto:|#)/.test(href)) return href;
  const [file, hash] = href.split("#");
  if (file.startsWith("/")) return href;
  const target = resolve(dirname(page.source), decodeURI(file));
  const key = target.startsWith(generated) && target.endsWith("README.md") ? undefined : place(target, page.language);
  if (key === undefined && target === join(repository, "README.md")) return page.language === "en" ? "/docs/" : "/docs/zh/";
  return key === undefined ? "" : key + (hash ? `#${hash}` : "");
}

function picture(src, page) {
  const file = resolve(dirname(page.source), src);
  const name = relative(docs, file);
  mkdirSync(dirname(join(out, name)), { recursive: true });
  if (existsSync(file)) cpSync(file, join(out, name));
  return posix.join("/docs", name);
}

// ---------------------------------------------------------------- pages

rmSync(root, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const { metafile } = await build({
  entryPoints: [join(here, "src/docs.ts"), join(here, "src/docs.css")],
  outdir: join(out, "assets"),
  entryNames: "[name]-[hash]",
  bundle: true,
  format: "esm",
  target: ["es2022"],
  minify: true,
  metafile: true,
  alias: sourcesOf(packages),
  logLevel: "warning",
});
const assets = Object.fromEntries(
  Object.entries(metafile.outputs).map(([file, { entryPoint }]) => [basename(entryPoint), `/docs/${relative(out, join(process.cwd(), file))}`]),
);
cpSync(join(here, "../static/demo/mark.svg"), join(out, "mark.svg"));

const index = { en: [], zh: [] };
const rendered = pages.map(render);
const anchors = new Map(pages.map((page, at) => [page.path, new Set(rendered[at].headings.map(({ id }) => id))]));
for (const [at, page] of pages.entries()) {
  const { headings } = rendered[at];
  const html = rendered[at].html.replace(/href="([^"#]*)#([^"]*)"/g, (whole, path, id) => {
    const known = anchors.get(path || page.path);
    if (known === undefined || known.has(decodeURIComponent(id))) return whole;
    // typedoc numbers headings otherwise; and what is not there at all is found on its page.
    const plain = id.replace(/-\d+$/, "");
    return known.has(plain) ? `href="${path}#${plain}"` : `href="${path || page.path}"`;
  });
  const words = WORDS[page.language];
  const title = headings.find(({ level }) => level === 1)?.text ?? page.title;
  const toc = headings.filter(({ level }) => level === 2);
  index[page.language].push([page.path, page.title, ...toc.map(({ text, id }) => [id, text])]);
  const contents = toc.length < 2 ? "" : `<aside aria-label="${words.toc}"><b>${words.toc}</b><ul>${toc.slice(0, 40).map(({ text, id }) => `<li><a href="#${escape(id)}">${escape(text)}</a></li>`).join("")}</ul></aside>`;
  const note = page.foreign ? `<p class="note">${words.only}</p>` : "";
  const body = `<article${page.foreign ? ' lang="en"' : ""}>${note}${html}</article>${contents}`;
  write(page.path, page.language, title, body, page.path);
}
for (const language of ["en", "zh"]) {
  const words = WORDS[language];
  const cards = JOBS.map(([name, title_en, title_zh, text_en, text_zh]) => {
    const path = place(resolve(docs, `${name}.md`), language);
    return path === undefined ? "" : `<li><a href="${path}"><b>${escape(language === "en" ? title_en : title_zh)}</b><span>${escape(language === "en" ? text_en : text_zh)}</span></a></li>`;
  });
  const body = `<article class="start"><h1>${words.hello}</h1><p class="lead">${words.lead}</p><ul class="jobs">${cards.join("")}</ul></article>`;
  write(language === "en" ? "/docs/index" : "/docs/zh/index", language, words.docs, body, language === "en" ? "/docs/" : "/docs/zh/");
  writeFileSync(join(out, language === "en" ? "" : "zh", "search.json"), JSON.stringify(index[language]));
}
rmSync(generated, { recursive: true, force: true });
const { files, bytes } = compressAll(out);
console.log(`docs: ${pages.length} pages, ${files} files, ${Math.round(bytes / 1024)} kB compressed, in ${relative(process.cwd(), out)}`);

function write(path, language, title, body, here_at) {
  const words = WORDS[language];
  const base = language === "en" ? "/docs/" : "/docs/zh/";
  const mirror = language === "en" ? here_at.replace("/docs/", "/docs/zh/") : here_at.replace("/docs/zh/", "/docs/");
  const link = (page) => `<li><a href="${page.path}"${page.path === here_at ? ' aria-current="page"' : ""}>${escape(page.title)}</a></li>`;
  const list = (section) => pages.filter((page) => page.language === language && page.section === section).map(link).join("");
  const sections = SECTIONS.map(({ title: names }, section) => {
    const extra = names[0] === "Reference" ? `<li><a href="/docs/api">${words.api}</a></li>` : "";
    return `<li><b>${escape(names[language === "en" ? 0 : 1])}</b><ul>${extra}${list(section)}</ul></li>`;
  });
  const types = list(SECTIONS.length);
  if (types) sections.push(`<li><b>TypeScript</b><ul>${types}</ul></li>`);
  const html = `<!doctype html>
<html lang="${words.lang}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)} · Trunkline</title><link rel="icon" href="/docs/mark.svg" type="image/svg+xml">
<link rel="stylesheet" href="${assets["docs.css"]}"><script type="module" src="${assets["docs.ts"]}"></script></head>
<body data-index="${base}search.json" data-none="${words.none}">
<header><button id="menu" type="button" aria-expanded="false" aria-controls="pages" aria-label="${words.menu}">☰</button><a class="brand" href="${base}"><img src="/docs/mark.svg" alt="" width="28" height="28">Trunkline <span>${words.docs}</span></a>
<div class="search" role="search"><input id="search" type="search" placeholder="${words.search}" aria-label="${words.search}" autocomplete="off" role="combobox" aria-expanded="false" aria-controls="found"><ul id="found" role="listbox" aria-label="${words.search}" hidden></ul></div>
<a class="quiet" href="${mirror}" lang="${language === "en" ? "zh-CN" : "en"}">${words.other}</a><button id="theme" type="button" aria-label="${words.theme}" title="${words.theme}">◐</button></header>
<div class="page"><nav id="pages" aria-label="${words.menu}"><ul>${sections.join("")}</ul></nav><main>${body}</main></div>
</body></html>
`;
  const file = join(out, `${path.replace("/docs/", "")}.html`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, html);
}
