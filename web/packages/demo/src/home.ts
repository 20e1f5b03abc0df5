/** The first page: who to be. Plain HTML that works at once; this adds the theme and the language. */

import { apply, language, setLanguage, setTheme, theme } from "./settings.js";

/** Chinese for each text of the page, by its `data-t`. */
const zh: Record<string, string> = {
  title: "同时做两个人",
  lead: "在两个窗口中打开此页，各选一个身份，让他们聊起来。",
  pick: "选择身份",
  second: "打开第二个窗口",
  chat: "聊天",
  chat_text: "消息在服务器落盘后才算送出。杀掉服务器试试：一条不丢，一条不重。",
  live: "直播间",
  live_text: "弹幕、礼物、点赞和答题，观众由真实客户端模拟，数量由你决定。",
  call: "通话",
  call_text: "多人音视频、屏幕共享，经由同一个进程、同一个端口。",
  panel: "侧栏",
  panel_text: "显示每个操作引起了什么：条目及其序号、确认、往返时间、每秒收发包数。",
  docs: "文档",
  ann: "音乐会负责人",
  bob: "音响与灯光",
  mei: "直播主持",
  omar: "贝斯手",
  lucia: "歌手",
  ken: "听众",
};

const english = new Map<string, string>();

function draw(): void {
  apply();
  const chinese = language() === "zh";
  for (const element of document.querySelectorAll<HTMLElement>("[data-t]")) {
    const key = element.dataset["t"] ?? "";
    if (!english.has(key)) english.set(key, element.textContent ?? "");
    element.textContent = (chinese ? zh[key] : undefined) ?? english.get(key) ?? "";
  }
  const themes = document.querySelector<HTMLButtonElement>("#theme");
  const languages = document.querySelector<HTMLButtonElement>("#language");
  const dark = theme() === "dark";
  if (themes) {
    const label = chinese ? (dark ? "浅色主题" : "深色主题") : dark ? "Light theme" : "Dark theme";
    themes.setAttribute("aria-label", label);
    themes.title = label;
  }
  if (languages) {
    languages.textContent = chinese ? "English" : "中文";
    languages.lang = chinese ? "en" : "zh-CN";
  }
  for (const link of document.querySelectorAll<HTMLAnchorElement>("[data-docs]")) link.href = chinese ? "/docs/zh/" : "/docs/";
}

document.querySelector("#theme")?.addEventListener("click", () => {
  setTheme(theme() === "dark" ? "light" : "dark");
  draw();
});
document.querySelector("#language")?.addEventListener("click", () => {
  setLanguage(language() === "zh" ? "en" : "zh");
  draw();
});
draw();
document.documentElement.dataset["ready"] = "";
// The application is fetched while somebody thinks about who to be.
addEventListener("load", () => setTimeout(() => {
  const link = document.createElement("link");
  link.rel = "modulepreload";
  link.href = document.querySelector<HTMLElement>("[data-app]")?.dataset["app"] ?? "";
  if (link.href) document.head.append(link);
}, 600));
