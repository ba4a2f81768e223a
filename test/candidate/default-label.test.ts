import { hostname } from "node:os";
import { expect, test } from "vitest";
import { defaultLabel } from "../../src/candidate/default-label.js";
import { LABEL_PATTERN } from "../../src/limits.js";

test("in an ECS task, its id", () => {
  const task = "cd189a933e5849daa93386466019ab50";
  const uri = `http://169.254.170.2/v4/${task}-2495160603`;
  expect(defaultLabel({ ECS_CONTAINER_METADATA_URI_V4: uri })).toBe(task);
  expect(defaultLabel({ ECS_CONTAINER_METADATA_URI: uri.replace("v4", "v3") })).toBe(task);
});

test("in a pod, its name", () => {
  expect(defaultLabel({ POD_NAME: "worker-5d9c7b-x2x4q" })).toBe("worker-5d9c7b-x2x4q");
  expect(defaultLabel({ KUBERNETES_SERVICE_HOST: "10.0.0.1" })).toBe(defaultLabel({ POD_NAME: hostname() }));
});

test.each([{}, { ECS_CONTAINER_METADATA_URI_V4: "http://nowhere/v4/short" }])(
  "elsewhere the host and the process: %o",
  (env) => {
    expect(defaultLabel(env)).toMatch(new RegExp(`-${process.pid}$`));
  },
);

test.each(["", "a b/c", "x".repeat(300), "é"])("always a label that the options take: %o", (name) => {
  expect(defaultLabel({ POD_NAME: name })).toMatch(LABEL_PATTERN);
});
