import { readFileSync } from "node:fs";
import { Template } from "aws-cdk-lib/assertions";
import { expect, test } from "vitest";
import { settingsOf } from "../../lib/settings.js";
import { EventsStack, NightlyStack, RegionStack, ReplicaStack, TwiceStack } from "./own-app.js";
import { newApp } from "./synth.js";

const text = readFileSync("docs/deploy.md", "utf8");
const [job = "", app = "", bin = "", region = "", replica = "", twice = "", events = "", ...others] = [
  ...text.matchAll(/```ts\n(.*?)```/gs),
].map(([, code = ""]) => code);
const lines = (code: string) => code.split("\n").map((line) => line.trim());
/** Formatting breaks lines that are longer in the tests. */
const words = (code: string) => code.replaceAll(/\s+/g, "").replaceAll(",}", "}");

test("the job of docs/deploy.md is the one that is deployed", () => {
  expect(job).toBe(readFileSync("examples/scheduled-job.ts", "utf8"));
});

test("its CDK app is one that works, line by line", () => {
  const working = words(readFileSync("test/cdk/own-app.ts", "utf8"));
  const entry = 'entry: "examples/scheduled-job.ts"';
  const imports = /^import (?:type )?\{.*\} from ".*";$/gm;
  for (const code of [app.replace(imports, ""), region, replica, twice, events]) {
    expect(working).toContain(words(code.replace('entry: "src/nightly.ts"', entry)));
  }
  const ours = lines(
    readFileSync("test/cdk/own-app.ts", "utf8").replace("../../lib/index.js", "incumbent/cdk"),
  );
  for (const [line] of app.matchAll(imports)) {
    const [, names = "", from] = /\{(.*)\} from (.*)/.exec(line) ?? [];
    for (const name of names.split(",")) {
      expect(ours.some((own) => own.includes(name.trim()) && own.endsWith(`from ${from}`))).toBe(true);
    }
  }
  expect(bin).toContain('import { NightlyStack } from "../lib/nightly-stack";');
  expect(others).toEqual([]);
  Template.fromStack(new NightlyStack(newApp(), "Nightly")).resourceCountIs("AWS::Scheduler::Schedule", 2);
  for (const [name, tables] of [
    ["eu-west-1", 1],
    ["eu-west-2", 0],
  ] as const) {
    Template.fromStack(new RegionStack(newApp(), name)).resourceCountIs("AWS::DynamoDB::GlobalTable", tables);
  }
  Template.fromStack(new ReplicaStack(newApp())).resourceCountIs("AWS::DynamoDB::GlobalTable", 0);
  Template.fromStack(new TwiceStack(newApp())).resourceCountIs("AWS::Scheduler::Schedule", 2);
  Template.fromStack(new EventsStack(newApp())).resourceCountIs("AWS::Events::Rule", 1);
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
