import { transform } from "esbuild";
import { expect, test } from "vitest";
import { type Documented, documentedOf, ENTRIES, tagsOf } from "./support/declarations.js";

/** Everything that users can import says what it does, what it throws, and what holds unless they say otherwise. */

const everything = ENTRIES.flatMap(documentedOf);
const callable = everything.filter(({ kind }) => kind === "method" || kind === "function");

/** Shapes that are DynamoDB's, and answers of ours: no user leaves their members out. */
const NO_OPTIONS = /^(TransactionAction|GuardInput|ActionRefusal|Candidate|Instant)\./;

const namesOf = (found: readonly Documented[]) => [...new Set(found.map(({ name }) => name))].sort();

test("the reader finds classes, methods, accessors, functions and options", () => {
  const names = namesOf(everything);
  for (const name of [
    "Election",
    "Election.constructor",
    "Election.lead",
    "Election.observe",
    "Election.role",
    "Leadership.[Symbol.asyncDispose]",
    "CandidateOptions.leaseDurationMs",
    "ClientOptions.tableName",
    "startDynamoDBLocal",
    "MemoryTable.items",
    "leaderHandler",
    "LeaderSettings.standBy",
    "ILeaseTable.grantCandidate",
    "ScheduledLeaderProps.retry",
  ])
    expect(names).toContain(name);
  expect(names.filter((name) => /#|LeaseLostError.constructor|Leadership.constructor/.test(name))).toEqual(
    [],
  );
});

test("every export, and every member of an exported class, has a docstring", () => {
  expect(namesOf(everything.filter(({ kind, doc }) => kind !== "option" && doc === ""))).toEqual([]);
});

test("every function and method has an example, and it is TypeScript", async () => {
  expect(namesOf(callable.filter(({ doc }) => tagsOf(doc, "example").length === 0))).toEqual([]);
  const examples = everything.flatMap(({ name, doc }) =>
    tagsOf(doc, "example").map((code) => ({ name, code })),
  );
  for (const { name, code } of examples) {
    const parsed = transform(`async function example() {\n${code.replace(/^export /gm, "")}\n}`, {
      loader: "ts",
      logLevel: "silent",
    });
    await expect(parsed, `${name}: ${code}`).resolves.toBeDefined();
  }
});

test("every function and method names the errors that it throws, or says that it throws nothing", () => {
  const errors = namesOf(everything)
    .filter((name) => /^\w+Error$/.test(name))
    .join("|");
  const known = new RegExp(
    `^(nothing\\b|(${errors})(, (${errors}))*:|the signal's reason|what (\`work\`|the AWS SDK) throws)`,
  );
  const isClear = ({ doc }: Documented) => {
    const thrown = tagsOf(doc, "throws");
    return thrown.length > 0 && thrown.every((each) => known.test(each));
  };
  expect(namesOf(callable.filter((each) => !isClear(each)))).toEqual([]);
});

test("every option says its default", () => {
  const options = everything.filter(({ kind, name }) => kind === "option" && !NO_OPTIONS.test(name));
  expect(options.length).toBeGreaterThan(60);
  expect(namesOf(options.filter(({ doc }) => tagsOf(doc, "default").length === 0))).toEqual([]);
});
