import { readFileSync } from "node:fs";
import { type Attributes, type Meter, metrics, type Span, type Tracer, trace } from "@opentelemetry/api";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Stage } from "./support/stage.js";
import { FakeExecutor, withWills } from "./support/wills.js";

interface Made {
  readonly kind: string;
  readonly name: string;
  readonly unit: string | undefined;
  readonly description: string | undefined;
}

const recorded: Array<{ name: string; value: number; attributes: unknown }> = [];
const spans: Array<{ name: string; attributes: Attributes; ended: boolean }> = [];
const scopes: Array<readonly [string, string | undefined]> = [];
const instruments = new Map<string, Made>();
const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };

const instrument = (kind: string) => (name: string, options: Pick<Made, "unit" | "description">) => {
  instruments.set(name, { kind, name, unit: options?.unit, description: options?.description });
  const record = (value: number, attributes: unknown) => recorded.push({ name, value, attributes });
  return { add: record, record };
};
const meter = {
  createCounter: instrument("counter"),
  createHistogram: instrument("histogram"),
  createUpDownCounter: instrument("up-down counter"),
};
const tracer = {
  startSpan: (name: string, { attributes = {} }: { attributes?: Attributes }) => {
    const span = { name, attributes: { ...attributes }, ended: false };
    spans.push(span);
    const api = {
      setAttribute: (key: string, value: string) => {
        span.attributes[key] = value;
        return api;
      },
      end: () => {
        span.ended = true;
      },
    };
    return api as unknown as Span;
  },
};

function setUp(): void {
  metrics.setGlobalMeterProvider({
    getMeter: (name, version) => {
      scopes.push([name, version]);
      return meter as unknown as Meter;
    },
  });
}

beforeAll(() => {
  setUp();
  trace.setGlobalTracerProvider({
    getTracer: (name, version) => {
      scopes.push([name, version]);
      return tracer as unknown as Tracer;
    },
  });
});
afterAll(() => {
  metrics.disable();
  trace.disable();
});

test("terms won and ended, renewals and who leads are metrics of the user's OpenTelemetry SDK", async () => {
  const stage = new Stage();
  const { election } = stage.candidate("a");
  const leadership = await election.campaign();
  await stage.advance(1_500);
  await leadership.resign();
  const attributes = { "incumbent.election": "billing/nightly" };
  expect(recorded).toEqual([
    { name: "incumbent.elected", value: 1, attributes },
    { name: "incumbent.leading", value: 1, attributes },
    { name: "incumbent.renewal.duration", value: expect.any(Number), attributes },
    { name: "incumbent.ended", value: 1, attributes: { ...attributes, "incumbent.reason": "resigned" } },
    { name: "incumbent.leading", value: -1, attributes },
  ]);
});

test("superseded ticks are a metric of their own, by whether they completed", async () => {
  const { election, events } = new Stage().candidate("a");
  for (let tick = 2; tick < 70; tick++) await election.runOnce(tick, () => {});
  await election.runOnce(68, () => {});
  recorded.length = 0;
  expect(await election.runOnce(1, () => {})).toMatchObject({ because: "superseded", completed: "unknown" });
  await election.runOnce(71, () => {});
  expect(await election.runOnce(70, () => {})).toMatchObject({ because: "superseded", completed: "no" });
  const of = (completed: string) => ({
    name: "incumbent.ticks.superseded",
    value: 1,
    attributes: { "incumbent.election": "billing/nightly", "incumbent.completed": completed },
  });
  const name = "incumbent.ticks.superseded";
  expect(recorded.filter((one) => one.name === name)).toEqual([of("unknown"), of("no")]);
  expect(events.filter(({ type }) => type === "tick-superseded")).toMatchObject([
    { completed: "unknown" },
    { completed: "no" },
  ]);
});

test("a tenure is a span from the election to the end, with its term and its reason", async () => {
  spans.length = 0;
  const { election } = new Stage().candidate("a");
  const leadership = await election.campaign();
  const attributes = {
    "incumbent.election": "billing/nightly",
    "incumbent.term": 1,
    "incumbent.candidate": election.candidateId,
  };
  expect(spans).toEqual([{ name: "incumbent.tenure", attributes, ended: false }]);
  await leadership.resign();
  expect(spans).toEqual([
    { name: "incumbent.tenure", attributes: { ...attributes, "incumbent.reason": "resigned" }, ended: true },
  ]);
});

test("a process that exits ends its tenure with `crashed`, and what its last will lacks is counted by part", async () => {
  const stage = new Stage();
  const executor = new FakeExecutor();
  const store = withWills(stage.table, executor);
  const { election } = stage.candidate("a", { store, lastWill: true });
  await election.campaign();
  recorded.length = 0;
  executor.fail({ part: "companion", error: new Error("EAGAIN") });
  executor.exit();
  const attributes = { "incumbent.election": "billing/nightly" };
  expect(recorded).toEqual([
    {
      name: "incumbent.last_will.failures",
      value: 1,
      attributes: { ...attributes, "incumbent.part": "companion" },
    },
    { name: "incumbent.ended", value: 1, attributes: { ...attributes, "incumbent.reason": "crashed" } },
    { name: "incumbent.leading", value: -1, attributes },
  ]);
  expect(spans.at(-1)).toMatchObject({ attributes: { "incumbent.reason": "crashed" }, ended: true });
});

test("an SDK that is set up after the Election was created gets everything", async () => {
  metrics.disable();
  recorded.length = 0;
  const { election } = new Stage().candidate("a");
  setUp();
  await (await election.campaign()).resign();
  expect(recorded.map(({ name }) => name)).toEqual([
    "incumbent.elected",
    "incumbent.leading",
    "incumbent.ended",
    "incumbent.leading",
  ]);
});

test("an SDK that is set up while somebody leads never shows fewer leaders than none", async () => {
  metrics.disable();
  const { election } = new Stage().candidate("a");
  const leadership = await election.campaign();
  recorded.length = 0;
  setUp();
  await leadership.resign();
  expect(recorded.map(({ name }) => name)).toEqual(["incumbent.ended"]);
  recorded.length = 0;
  const next = await election.campaign();
  metrics.disable();
  await next.resign();
  setUp();
  // It was counted there, so it is taken back there.
  const leading = recorded.filter(({ name }) => name === "incumbent.leading");
  expect(leading.map(({ value }) => value)).toEqual([1, -1]);
});

test("the scope of metrics and spans has the version of the package", () => {
  expect(scopes.length).toBeGreaterThan(2);
  for (const scope of scopes) expect(scope).toEqual(["incumbent", version]);
});

test("docs/telemetry.md lists each metric with its kind and unit, and each has a description", () => {
  const page = readFileSync("docs/telemetry.md", "utf8");
  const rows = [...page.matchAll(/^\| `(incumbent\.[\w.]+)` \| ([\w -]+) \| `([^`]+)` \|/gm)];
  const listed = rows.map(([, name, kind, unit]) => ({ name, kind, unit }));
  const made = [...instruments.values()];
  expect(made.filter(({ description }) => !description)).toEqual([]);
  expect(listed).toEqual(made.map(({ name, kind, unit }) => ({ name, kind, unit })));
});
