import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

/**
 * What goes wrong in the field (found in the sources and issues of systems in use), and the tests here that
 * it cannot. A name that is changed or dropped fails this index.
 */
const PITFALLS: Array<[pitfall: string, ...tests: Array<[file: string, name: string]>]> = [
  [
    "acting on after a pause",
    ["leader/trust", "acting on after a pause: a suspended machine"],
    ["leader/trust", "acting on after a pause: a blocked event loop"],
    ["candidate/processes", "frozen past its lease and thawed"],
  ],
  ["refusal taken for loss", ["candidate/lost-answers", "refusal taken for loss: never when"]],
  [
    "trust counted from the response",
    ["leader/trust", "trust counted from the response: a slow successful renewal"],
    ["leader/trust", "trust counted from the response: the time an acquire took"],
    ["candidate/lost-answers", "trust counted from the response"],
  ],
  ["release by name only", ["candidate/lost-answers", "release by name only: never"]],
  [
    "the token restarts",
    ["protocol/takeover", "the token does not restart after the lease row is deleted"],
    ["candidate/lost-answers", "the token restarts: never"],
  ],
  [
    "a late heartbeat resurrects a released lock",
    ["candidate/lost-answers", "a late heartbeat resurrects a released lock: never"],
  ],
  ["one failed renewal ends renewal", ["leader/trust", "one failed renewal ends nothing"]],
  [
    "wall clocks of two hosts compared",
    ["protocol/takeover", "wall clocks of two hosts are never compared"],
    ["candidate/lost-answers", "wall clocks of two hosts compared: never"],
  ],
  [
    "a takeover that never happens",
    ["protocol/takeover", "a takeover that never happens: tries made one by one"],
    ["protocol/takeover", "the whole fleet killed and restarted elects"],
    ["candidate/processes", "the whole fleet killed at once and restarted elects"],
  ],
  [
    "a newcomer waits a full lease for a holder long dead",
    ["protocol/takeover", "a newcomer does not wait a full lease"],
  ],
  [
    "silent loss, or loss told twice",
    ["leader/trust", "the signal aborts by itself at the end of trust"],
    ["lead", "a leader that is cut off tells its work before anybody else can lead"],
  ],
  [
    "the same hostname is the same identity",
    ["protocol/takeover", "the same hostname is not the same identity"],
    ["candidate/lost-answers", "the same hostname is the same identity: never"],
  ],
  [
    "release before the work has stopped",
    ["lead", "release before the work has stopped: never"],
    ["lead", "work that overruns its drain is never released under"],
  ],
  [
    "a campaign that hangs after resign",
    ["lead", "a campaign after a resign, a loss or an abort elects again"],
  ],
  [
    "acquire returns a lease that has already run out",
    ["leader/trust", "a lease that has already run out is not handed out"],
    ["candidate/lost-answers", "acquire returns a lease that has already run out: never"],
  ],
  [
    "everybody waits out the lease of a process that has died",
    ["last-will/last-will", "the next leader starts at its next poll"],
    ["last-will/last-will", "who has crashed is not in the next leader's line"],
  ],
  ["the elector exits and never campaigns again", ["lead", "the elector never exits"]],
  [
    "a cron lease released after a short run fires twice",
    ["run-once", "a tick completes once, whoever asks"],
  ],
  [
    "a failed run vanishes: its retry reports success, and the dead-letter queue gets nothing",
    ["lambda/missed-ticks", "a retry that is slower than the rate fails"],
    ["lambda/missed-ticks", "a redriven message fails with latest, and runs with every"],
    ["lambda/missed-ticks", "a retry that is faster than the lease of a leader that crashed fails"],
  ],
  [
    "a rate in several Regions runs several times per period",
    ["lambda/handler", "the ticks of a rate are the same in Regions whose schedules began at other times"],
  ],
  ["composite keys that collide", ["options", "a name with ':'"], ["options", "a name with '#'"]],
  ["polling", ["protocol/takeover", "one read per renewal while following"]],
  ["a disposer called twice frees somebody else's lease", ["leader/trust", "a disposer called twice"]],
  ["DynamoDB Local left running", ["testing/dynamodb-local", "dies with its parent"]],
  ["transaction and renewal conflict", ["leader/transact", "200 concurrent calls beside renewals"]],
];

test.each(PITFALLS)("%s: its tests can be found by name", (_pitfall, ...tests) => {
  for (const [file, name] of tests) {
    expect(readFileSync(`test/${file}.test.ts`, "utf8"), `${file}: ${name}`).toContain(name);
  }
});
