import { expect, test } from "vitest";
import { electionAlarmsTemplate, monitorTemplate } from "./plain-templates.js";

/** `npx vitest run test/cdk/plain-templates.test.ts -u` writes the templates anew. */

const json = (template: object) => `${JSON.stringify(template, null, 2)}\n`;

test("docs/monitor.template.json is what ElectionMonitor makes", async () => {
  const template = monitorTemplate();
  await expect(json(template)).toMatchFileSnapshot("../../docs/monitor.template.json");
  // Nothing of CDK's toolkit is needed, and no file that CDK would upload.
  expect(json(template)).not.toMatch(/cdk-|BootstrapVersion|token/i);
});

test("docs/election-alarms.template.json has the alarms of an election that ElectionMonitor makes", async () => {
  const template = electionAlarmsTemplate();
  await expect(json(template)).toMatchFileSnapshot("../../docs/election-alarms.template.json");
  expect(Object.keys(template.Resources)).toEqual(["NoLeader", "TickOverdue"]);
  expect(json(template)).not.toMatch(/cdk-|BootstrapVersion|token/i);
});

test("each name that a template refers to is a parameter or a resource of it", () => {
  for (const { Parameters, Resources, Conditions } of [monitorTemplate(), electionAlarmsTemplate()]) {
    const text = JSON.stringify({ Resources, Conditions });
    const names = [
      ...[...text.matchAll(/"Ref":"(\w+)"/g)].map(([, name]) => name),
      ...[...text.matchAll(/"Fn::GetAtt":\["(\w+)"/g)].map(([, name]) => name),
      ...[...text.matchAll(/\$\{(\w+)(?:\.\w+)?\}/g)].map(([, name]) => name),
    ];
    const known = [...Object.keys(Parameters), ...Object.keys(Resources)];
    expect(names.filter((name) => name && !known.includes(name))).toEqual([]);
    // And no parameter is there that nothing needs.
    expect(Object.keys(Parameters).filter((name) => !names.includes(name))).toEqual([]);
  }
});
