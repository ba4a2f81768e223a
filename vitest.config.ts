import { configDefaults, defineConfig } from "vitest/config";
import { DearestFirst } from "./test/support/dearest-first.js";

/** `npm test`. What takes longer is `*.long.test.ts`: `npm run test:long`. `.ci/run` runs both. */
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: [...configDefaults.exclude, "test/**/*.long.test.ts"],
    globalSetup: "test/support/global-setup.ts",
    testTimeout: 180_000,
    hookTimeout: 180_000,
    maxWorkers: 2,
    // One file's faults must not delay another's leases more than two cores make unavoidable.
    pool: "forks",
    // The SDKs are loaded once per process, not once per file; our own modules are loaded anew for each file.
    isolate: false,
    setupFiles: "test/support/fresh-modules.ts",
    sequence: { sequencer: DearestFirst },
    // CDK's own look at a template takes 5 s of each process, and no test reads its warnings. `cdk synth` has it.
    env: { CDK_VALIDATION: "false" },
  },
});
