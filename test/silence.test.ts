import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Election, type Leadership, TableError, TableUnavailableError } from "../src/index.js";
import { warnOfSilence } from "../src/silence.js";
import { between, Stage } from "./support/stage.js";

const LEASE_MS = 3_000;
let warned: string[] = [];

beforeEach(() => {
  warned = [];
  vi.spyOn(process, "emitWarning").mockImplementation((warning) => void warned.push(String(warning)));
});
afterEach(() => vi.restoreAllMocks());

/** A stage whose table answers only while `answers` is true. */
function stageWithOutages() {
  const stage = new Stage();
  const network = { answers: false };
  const store = between(stage.table, (verb, pass) =>
    network.answers ? pass() : Promise.reject(new TableUnavailableError(verb)),
  );
  return { stage, network, store };
}

test.each(["campaign", "lead"] as const)(
  "%s without onEvent warns once per outage, and not of a short one",
  async (verb) => {
    const { stage, network, store } = stageWithOutages();
    const { clock } = stage.candidate("other");
    const election = new Election({ store, name: "billing", leaseDurationMs: LEASE_MS, runtime: { clock } });
    const stop = new AbortController();
    const { signal } = stop;
    const life =
      verb === "lead"
        ? election.lead(
            (leadership) =>
              new Promise<void>((done) => leadership.signal.addEventListener("abort", () => done())),
            { signal, announce: false },
          )
        : election.campaign({ signal });
    life.catch(() => {});
    await stage.advance(9_000);
    expect(warned).toEqual([]);
    await stage.advance(60_000);
    expect(warned).toHaveLength(1);
    expect(warned[0]).toMatch(
      /^election "billing": requests have failed for 1\d s and are tried again\. No answer from the table to /,
    );
    expect(warned[0]).toContain(
      "Suggestion: check the client's Region, endpoint and network. Pass onEvent to see",
    );
    network.answers = true;
    await stage.until(() => election.role === "leader");
    stop.abort();
    await stage.advance(LEASE_MS);
    expect(warned).toHaveLength(1);
  },
);

test("each outage has its warning, with an error of ours and not with one that is not", () => {
  const listener = warnOfSilence();
  const event = { election: "billing", candidateId: "a" };
  const failed = (failingForMs: number, error: unknown = new Error("a secret")) =>
    listener({ ...event, type: "unavailable", error, failingForMs });
  for (const failingForMs of [0, 9_000]) failed(failingForMs);
  expect(warned).toEqual([]);
  for (const failingForMs of [11_000, 13_000]) failed(failingForMs);
  expect(warned).toHaveLength(1);
  for (const failingForMs of [0, 9_000, 12_000]) failed(failingForMs);
  expect(warned).toHaveLength(2);
  listener({ ...event, type: "recovered", afterMs: 12_000 });
  failed(11_000, new TableError("incumbent", "access-denied", "Grant dynamodb:Query."));
  expect(warned).toHaveLength(3);
  expect(warned.join()).not.toContain("a secret");
  expect(warned[2]).toContain("Grant dynamodb:Query.");
  expect(warned[2]).not.toContain("Region");
});

test("a table that answers is not accused, whatever failed an hour ago", async () => {
  const { stage, network, store } = stageWithOutages();
  network.answers = true;
  const { clock } = stage.candidate("other");
  const leader = await stage.candidate("b").election.campaign();
  const election = new Election({
    store,
    name: "billing/nightly",
    leaseDurationMs: LEASE_MS,
    succession: "arrival",
    runtime: { clock },
  });
  const failOnce = async () => {
    network.answers = false;
    await stage.advance(1_000);
    network.answers = true;
    await stage.advance(60_000);
  };
  let stop = new AbortController();
  let bid = election.campaign({ signal: stop.signal }).catch(() => {});
  await failOnce();
  await failOnce();
  // A campaign that was given up during an outage says nothing of the time until the next one.
  network.answers = false;
  await stage.advance(5_000);
  stop.abort();
  await stage.advance(10_000);
  await bid;
  await stage.advance(60_000);
  stop = new AbortController();
  bid = election.campaign({ signal: stop.signal }).catch(() => {});
  await stage.advance(3_000);
  network.answers = true;
  await stage.advance(60_000);
  expect(warned).toEqual([]);
  stop.abort();
  await stage.advance(10_000);
  await bid;
  await leader.resign();
});

test("a campaign reports its outage, its recovery, and who leads, each once", async () => {
  const { stage, network, store } = stageWithOutages();
  network.answers = true;
  const succession = "arrival";
  const b = stage.candidate("b", { succession });
  const first = await b.election.campaign();
  const a = stage.candidate("a", { store, succession });
  const bid = a.election.campaign();
  await stage.advance(3 * LEASE_MS);
  const { candidateId: leader } = b.election;
  const told = () => a.events.filter(({ type }) => ["waiting", "standby", "recovered"].includes(type));
  expect(told().at(-1)).toMatchObject({ type: "standby", term: 1, leader });
  expect(told().length).toBeLessThanOrEqual(2);
  network.answers = false;
  await stage.advance(LEASE_MS);
  network.answers = true;
  await stage.advance(LEASE_MS);
  const recovered = told().filter(({ type }) => type === "recovered");
  expect(recovered).toHaveLength(1);
  expect(told().filter(({ type }) => type === "standby")).toHaveLength(1);
  expect(warned).toEqual([]);
  let next: Leadership | undefined;
  void bid.then((leadership) => {
    next = leadership;
  });
  void first.resign();
  await stage.until(() => next !== undefined);
  void next?.resign();
  await stage.advance(LEASE_MS);
});
