import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// Vitest wants its configuration as the default export.
export default defineConfig({
  root: fileURLToPath(new URL("..", import.meta.url)),
  test: {
    globalSetup: ["shared/src/testing/postgres-server.ts"],
    provide: { givenDatabaseUrl: process.env["OCTOBATCH_TEST_DATABASE_URL"] },
    include: ["{cli,eventing,functions,shared,test}/**/*.test.ts"],
    // Real databases, git and browsers share two cores: generous, because these limits only catch what hangs.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: "forks",
    // By default one core is left idle.
    maxWorkers: "100%",
  },
});
