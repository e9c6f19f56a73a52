import { defineConfig } from "vitest/config";

const everything = ["test/**/*.test.ts", "examples/**/*.test.ts"];
/** Pure: they share one world without meeting. */
const domain = ["test/domain/**/*.test.ts", "test/wire/**/*.test.ts"];
/** They kill processes, start the real thing or pack it. */
const heavy = ["test/crash/**/*.test.ts", "test/e2e/**/*.test.ts"];
/** They search for what breaks, with all of a core for half a minute each. */
const proofs = ["test/simulation/**/*.test.ts", "test/interleavings/**/*.test.ts", "test/testing/chaos.test.ts"];
/** Against an emulator of AWS. */
const aws = ["test/aws/**/*.test.ts"];

/** `npm run soak`: the same tests at their big sizes. */
const patience = process.env["ROOKERY_SOAK"] === "1" ? 60 : 1;
const limits = (timeoutMs: number) => ({ testTimeout: timeoutMs * patience, hookTimeout: timeoutMs * patience });

export default defineConfig({
  // Examples name the package, and mean the sources.
  resolve: { tsconfigPaths: true },
  test: {
    // Most of the time goes by in waiting for processes: more of them at once than there are cores.
    maxWorkers: 3,
    // Concurrent tests do nothing but wait for seconds to pass.
    maxConcurrency: 30,
    // Tests mock no module and keep their worlds to themselves, so files of one process share what is loaded.
    projects: [
      { test: { name: "domain", include: domain, isolate: false, ...limits(30_000) } },
      {
        test: {
          name: "main",
          include: everything,
          exclude: [...domain, ...heavy, ...aws, ...proofs],
          isolate: false,
          ...limits(60_000),
        },
      },
      { test: { name: "proofs", include: proofs, isolate: false, ...limits(600_000) } },
      { test: { name: "heavy", include: heavy, ...limits(240_000) } },
      { test: { name: "aws", include: aws, globalSetup: "test/aws/setup.ts", ...limits(240_000) } },
    ],
    coverage: {
      provider: "v8",
      include: ["src/domain/**/*.ts"],
      reporter: ["text"],
      skipFull: true,
      thresholds: { 100: true },
    },
  },
});
