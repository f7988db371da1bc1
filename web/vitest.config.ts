import { defineConfig } from "vitest/config";

// Machines are busy: a test may take long, only not for ever.
export default defineConfig({
  test: { include: ["src/**/*.test.ts"], environment: "node", testTimeout: 60_000, expect: { poll: { timeout: 60_000 } } },
});
