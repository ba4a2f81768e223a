import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { HELP, parse, UsageError } from "./arguments.js";
import { CANDIDATE_POLICY, RUN_POLICY } from "./policy.js";

const page = readFileSync("docs/verify-aws.md", "utf8");

test("docs/verify-aws.md has the policies of the code", () => {
  const blocks = [...page.matchAll(/```json\n(.*?)\n```/gs)].map(
    ([, json = ""]) => JSON.parse(json) as unknown,
  );
  expect(blocks).toEqual([RUN_POLICY, CANDIDATE_POLICY]);
});

test("options that docs/verify-aws.md names are options, and the help lists all", () => {
  const named = [...page.matchAll(/(?<=[ `])--[a-z-]+/g)].map(([option]) => option);
  const options = [...HELP.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, option]) => option);
  expect(named.filter((option) => option !== "--help" && !options.includes(option))).toEqual([]);
  const values: Record<string, string[]> = {
    "--region": ["eu-west-1"],
    "--candidate-profile": ["candidate"],
    "--seed": ["1"],
    "--table": ["incumbent"],
    "--strong": ["--table", "incumbent"],
    "--check": ["reports"],
  };
  for (const option of options)
    expect(() => parse([option ?? "", ...(values[option ?? ""] ?? [])])).not.toThrow();
});

test.each([
  [["--region", "Ireland"], /--region .*Suggestion: eu-west-1/],
  [["--seed", "-1"], /--seed/],
  [["--table", "a b"], /--table .*Suggestion: incumbent/],
  [["--strong"], /--strong needs --table/],
  [["--seed", "1.5"], /--seed .*Suggestion: 1/],
  [["--clean", "--check", "reports"], /Suggestion: --clean/],
  [["--regoin", "eu-west-1"], /--regoin/],
  [["eu-west-1"], /eu-west-1/],
])("%j is refused", (args, message) => {
  expect(() => parse(args)).toThrow(UsageError);
  expect(() => parse(args)).toThrow(message);
});
