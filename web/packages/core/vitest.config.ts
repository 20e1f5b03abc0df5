import { defineConfig } from "vitest/config";

const timeouts = { testTimeout: 120_000, hookTimeout: 120_000 };

export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"], ...timeouts } },
      { test: { name: "server", include: ["test/server/**/*.test.ts"], ...timeouts, fileParallelism: false } },
      { test: { name: "browser", include: ["test/browser/**/*.test.ts"], ...timeouts, fileParallelism: false } },
    ],
  },
});
