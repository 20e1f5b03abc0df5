// Which documents the documentation site has, in which order and in which languages. A page is a Markdown file of the
// repository; what is not named here is not on the site.

/** [file in docs/ without .md, title in English, title in Chinese, file in docs/zh/ or nothing]. */
export const SECTIONS = [
  {
    title: ["Start", "开始"],
    pages: [
      ["guides/getting-started", "Getting started", "入门", "getting-started"],
      ["guides/chat-in-my-page", "Chat in my page", "在网页里加聊天", "chat-in-my-page"],
      ["guides/live-room-in-my-page", "A live room in my page", "在网页里加直播间", "live-room-in-my-page"],
      ["guides/call-button", "A call button", "通话按钮", "call-button"],
      ["guides/server-integration", "Server integration", "服务端集成", "server-integration"],
    ],
  },
  {
    title: ["Guides", "指南"],
    pages: [
      ["guides/chat-components", "Chat components", "聊天组件", "chat-components"],
      ["guides/rooms", "Live rooms", "直播间", "rooms"],
      ["guides/quizzes", "Live quizzes", "直播答题", "quizzes"],
      ["guides/live-sessions", "Live sessions", "实时音视频", "live-sessions"],
      ["guides/cards", "Cards", "卡片", "cards"],
      ["guides/threads", "Threads", "话题", "threads"],
      ["guides/communities", "Communities", "社区", "communities"],
      ["guides/broadcasts", "Broadcasts", "广播", "broadcasts"],
      ["guides/files", "Files", "文件", "files"],
      ["guides/search", "Search", "搜索", "search"],
      ["guides/webhooks", "Webhooks", "Webhook", "webhooks"],
      ["guides/operations", "Operations", "运维", "operations"],
    ],
  },
  {
    title: ["Reference", "参考"],
    pages: [
      ["reference/configuration", "Configuration", "配置"],
      ["reference/cli", "Command line", "命令行"],
      ["reference/python-sdk", "Python SDK", "Python SDK"],
      ["reference/identity", "Identity", "身份"],
      ["reference/metrics", "Metrics", "指标"],
      ["../spec/link", "The link protocol", "链路协议"],
      ["../spec/rooms", "Rooms protocol", "直播间协议"],
      ["../spec/cards", "Cards protocol", "卡片协议"],
      ["reliability", "Reliability", "可靠性"],
      ["benchmarks", "Benchmarks", "性能"],
      ["bench-web", "Benchmarks of the web client", "网页客户端性能"],
      ["features", "Features", "功能"],
    ],
  },
];

/** The first page: what one wants to do, and where that is. */
export const JOBS = [
  ["guides/chat-in-my-page", "Chat in my page", "在网页里加聊天", "Conversations, messages, cards and files as web components.", "会话、消息、卡片和文件，开箱即用的网页组件。"],
  ["guides/live-room-in-my-page", "A live room", "直播间", "Flying comments, gifts, likes, a quiz, and tools for hosts.", "弹幕、礼物、点赞、答题，以及主持工具。"],
  ["guides/call-button", "A call button", "通话按钮", "Sound, pictures and screens, from choosing the camera to leaving.", "音视频和屏幕共享，从选择摄像头到离开。"],
  ["guides/server-integration", "My server", "我的服务端", "Sign tokens, send messages, and be told what happens.", "签发令牌、发送消息、接收事件。"],
];
