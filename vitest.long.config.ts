import { configDefaults, defineConfig } from "vitest/config";
import usual from "./vitest.config.js";

export default defineConfig({
  test: { ...usual.test, include: ["test/**/*.long.test.ts"], exclude: configDefaults.exclude },
});
