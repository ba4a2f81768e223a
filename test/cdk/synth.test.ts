import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { app, folder } from "./app.js";

test("three Regions make three stacks, of which the first comes first", async () => {
  await app({ regions: "eu-west-1,eu-west-2,eu-central-1", job: "examples/scheduled-job.ts" }, "three");
  const { artifacts } = JSON.parse(readFileSync(join(folder, "three", "manifest.json"), "utf8"));
  const first = "incumbent-eu-west-1";
  for (const stack of ["incumbent-eu-west-2", "incumbent-eu-central-1"]) {
    expect(artifacts[stack].dependencies).toContain(first);
    expect(artifacts[stack].properties.stackName).toBe("incumbent");
  }
  expect(artifacts[first].dependencies).not.toContain("incumbent-eu-west-2");
});

test.each([
  [
    { monitor: "perhaps" },
    'context "monitor": must be true or false; received a string of 7 characters. Suggestion: true.\n',
  ],
])("context that cannot be is told in one line: %j", async (context, line) => {
  await expect(app(context, "none")).rejects.toMatchObject({ code: 1, stderr: line });
});
