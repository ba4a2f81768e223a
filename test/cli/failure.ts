import { expect } from "vitest";
import { expectNoCanary } from "../support/canary.js";
import { incumbentWith } from "../support/cli.js";

/** What a command says that must fail, and must not repeat what it was given. */
export const failure = async (env: NodeJS.ProcessEnv, ...args: string[]) => {
  const command = incumbentWith({ ...process.env, AWS_REGION: "us-east-1", ...env }, ...args);
  expect(await command.exited).not.toBe(0);
  expect(command.err).toMatch(/\S/);
  expectNoCanary(command.err + command.out);
  return command.err;
};
