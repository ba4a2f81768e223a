import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { files } from "./files.js";

/** `npx vitest run test/without-cdk/files.test.ts -u` writes docs/without-cdk/ anew. */

const FOLDER = "docs/without-cdk";
const made = files();

test.each(Object.keys(made))("%s is what the constructs make", async (name) => {
  await expect(made[name]).toMatchFileSnapshot(`../../${FOLDER}/${name}`);
  // Nothing of CDK's toolkit is needed, and no file that CDK would upload.
  expect(made[name]).not.toMatch(/cdk-|BootstrapVersion|<?token/i);
  // CloudFormation shows a question mark for any other character.
  expect(made[name]).toMatch(/^[\x20-\x7e\n]*$/);
});

test("no other file is in docs/without-cdk/", () => {
  expect(readdirSync(FOLDER).sort()).toEqual(Object.keys(made).sort());
});
