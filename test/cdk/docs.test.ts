import { readFileSync } from "node:fs";
import { Template } from "aws-cdk-lib/assertions";
import { expect, test } from "vitest";
import { settingsOf } from "../../lib/settings.js";
import { OwnStack, ReplicaStack } from "./own-app.js";
import { newApp } from "./synth.js";

const text = readFileSync("docs/deploy.md", "utf8");
const [job = "", app = "", replica = ""] = [...text.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code);
const lines = (code: string) => code.split("\n").map((line) => line.trim());

test("the job of docs/deploy.md is the one that is deployed", () => {
  expect(job).toBe(readFileSync("examples/scheduled-job.ts", "utf8"));
});

test("its CDK app is one that works, line by line", () => {
  const working = lines(readFileSync("test/cdk/own-app.ts", "utf8"));
  const shown = lines(app.replace('entry: "src/nightly.ts"', "entry") + replica);
  const own = shown.filter((line) => line !== "" && !line.startsWith("import"));
  expect(own.filter((line) => !working.includes(line))).toEqual([]);
  const stack = new OwnStack(newApp(), "examples/scheduled-job.ts");
  Template.fromStack(stack).resourceCountIs("AWS::Scheduler::Schedule", 2);
  expect(replica).toContain("fromLeaseTableAttributes");
  Template.fromStack(new ReplicaStack(newApp())).resourceCountIs("AWS::DynamoDB::GlobalTable", 0);
});

test("its table of context names what is read, all of it", () => {
  const read = new Set<string>();
  settingsOf((key) => {
    read.add(key);
    return key === "job" ? "src/nightly.ts" : undefined;
  });
  const table = text.slice(text.indexOf("| name | what | default |"), text.indexOf("Workers elsewhere"));
  const named = [...table.matchAll(/^\| ((?:`\w+`(?:, )?)+) \|/gm)].flatMap(([, names = ""]) =>
    names.replaceAll("`", "").split(", "),
  );
  expect(named.sort()).toEqual([...read].sort());
});
