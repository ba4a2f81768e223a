import { describe, expect, test } from "vitest";
import type { LeaderChange } from "../../src/index.js";
import { LeaseClient } from "../../src/lease-client.js";
import { sessionRowName } from "../../src/protocol/sessions.js";
import { resolveOptions } from "../../src/resolve-options.js";
import type { LeaseStore } from "../../src/store/lease-store.js";
import { Liveness } from "../../src/views/liveness.js";
import { SessionRows } from "../support/session-rows.js";
import { between, Stage } from "../support/stage.js";

/** Looking at leases that are held under a session: the lease row rests, and the session's row tells. */

const NAME = "billing/nightly";
const LEASE_MS = 3_000;
const ROW_LEASE_MS = 16 * LEASE_MS;

class Scene {
  readonly stage = new Stage();
  readonly session = new SessionRows(this.stage.table, "s-1", () => this.stage.time.wallMs());
  /** Requests of those who look, as `read name`. */
  readonly sent: string[] = [];
  readonly store = new Proxy(this.stage.table, {
    get: (table, verb: string) => {
      const value: unknown = Reflect.get(table, verb);
      if (typeof value !== "function") return value;
      return (first: unknown, ...others: unknown[]) => {
        this.sent.push(verb === "read" ? `read ${first === NAME ? "lease" : "session"}` : verb);
        return value.call(table, first, ...others);
      };
    },
  });
  readonly observer = this.stage.candidate("observer", { store: this.store }).election;
  readonly lines: string[] = [];
  readonly #stop = new AbortController();
  #following: Promise<void> | undefined;

  async held(holder = "holder"): Promise<number> {
    await this.session.open();
    await this.session.renew();
    return this.session.acquire(NAME, holder);
  }

  /** An observer has followed a holder for so long. */
  static async followed(ms: number): Promise<Scene> {
    const scene = new Scene();
    await scene.held();
    scene.#follow();
    await scene.live(ms);
    return scene;
  }

  #follow(): void {
    this.#following = (async () => {
      for await (const change of this.observer.observe({ signal: this.#stop.signal }))
        this.lines.push(inWords(change));
    })();
  }

  /** Time in which the session's heart beats. */
  async live(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += LEASE_MS / 3) {
      await this.session.renew();
      await this.stage.advance(LEASE_MS / 3);
    }
  }

  /** Ends the observation. */
  async end(): Promise<void> {
    this.#stop.abort();
    await this.#following;
  }
}

/** A table in which something happens between the first read's answer and what follows. */
function afterFirstRead(table: LeaseStore, happens: () => Promise<void>): LeaseStore {
  let isFirst = true;
  return between(table, async (verb, pass) => {
    const answer = await pass();
    if (verb === "read" && isFirst) {
      isFirst = false;
      await happens();
    }
    return answer;
  });
}

function inWords({ leader, ended }: LeaderChange): string {
  const end = ended ? `, ${ended.term} ${ended.candidateId} ${ended.reason}` : "";
  return `${leader ? `${leader.term} ${leader.candidateId}` : "nobody"}${end}`;
}

describe("observe()", () => {
  test("a leader leads while its session lives, however long its own row rests", async () => {
    const scene = await Scene.followed(2 * ROW_LEASE_MS);
    expect(scene.lines).toEqual(["1 holder"]);
    await scene.end();
  });

  test("it reads the session's row once per renewal, the lease row seldom, and writes nothing", async () => {
    const scene = await Scene.followed(2 * ROW_LEASE_MS);
    const leases = scene.sent.filter((request) => request === "read lease").length;
    expect(new Set(scene.sent)).toEqual(new Set(["read lease", "read session"]));
    // 96 renewals, and a few looks to be in step with them. The row's interval is 24 of them; two reads when it begins.
    expect(leases).toBeLessThanOrEqual(2 + 96 / 24);
    expect(scene.sent.length - leases).toBeLessThanOrEqual(110);
    await scene.end();
  });

  test.each([
    ["its last will ends the session", (one: SessionRows) => one.crash(), "crashed"],
    ["somebody seals the session", (one: SessionRows) => one.seal(), "expired"],
  ])("%s: its leaders end with it, though their rows still name them", async (_, end, reason) => {
    const scene = await Scene.followed(2 * LEASE_MS);
    await end(scene.session);
    await scene.stage.advance(LEASE_MS / 3 + 200);
    expect(scene.lines).toEqual(["1 holder", `nobody, 1 holder ${reason}`]);
    await scene.end();
  });

  test("a session that is no longer renewed has run out, though nobody seals it", async () => {
    const scene = await Scene.followed(2 * LEASE_MS);
    await scene.stage.advance(LEASE_MS - LEASE_MS / 3 - 200);
    expect(scene.lines).toEqual(["1 holder"]);
    await scene.stage.advance(LEASE_MS);
    expect(scene.lines).toEqual(["1 holder", "nobody, 1 holder expired"]);
    await scene.end();
  });

  test("a session whose row is gone proves nothing: its leader is told until the lease row has run out", async () => {
    const scene = await Scene.followed(LEASE_MS);
    scene.stage.table.deleteLease(sessionRowName(scene.session.id));
    await scene.stage.advance(ROW_LEASE_MS - LEASE_MS);
    expect(scene.lines).toEqual(["1 holder"]);
    await scene.stage.advance(2 * LEASE_MS);
    expect(scene.lines).toEqual(["1 holder", "nobody, 1 holder expired"]);
    await scene.end();
  });

  test.each([
    ["the session's log names the election", (one: SessionRows) => one.renew(NAME)],
    ["a nudge names the election", (one: SessionRows) => one.nudge(NAME)],
  ])("%s: the lease row is read at the next poll", async (_, tell) => {
    const scene = await Scene.followed(2 * LEASE_MS);
    await scene.session.resign(NAME, "holder", 1);
    await scene.live(2 * LEASE_MS);
    expect(scene.lines).toEqual(["1 holder"]);
    await tell(scene.session);
    await scene.stage.advance(LEASE_MS / 3 + 200);
    expect(scene.lines).toEqual(["1 holder", "nobody, 1 holder resigned"]);
    await scene.end();
  });

  test("a change that lands between the first reads of the two rows is not missed", async () => {
    const scene = new Scene();
    const term = await scene.held();
    const store = afterFirstRead(scene.stage.table, async () => {
      await scene.session.resign(NAME, "holder", term);
      await scene.session.renew(NAME);
    });
    const { election } = scene.stage.candidate("late", { store });
    const stop = new AbortController();
    const seen: string[] = [];
    const following = (async () => {
      for await (const change of election.observe({ signal: stop.signal })) seen.push(inWords(change));
    })();
    await scene.live(LEASE_MS);
    expect(seen).toEqual(["1 holder", "nobody, 1 holder resigned"]);
    stop.abort();
    await following;
  });

  test("a lease goes from one session to the next, and the observer goes with it", async () => {
    const scene = await Scene.followed(LEASE_MS);
    await scene.session.crash();
    await scene.stage.advance(LEASE_MS / 2);
    const next = new SessionRows(scene.stage.table, "s-2", () => scene.stage.time.wallMs());
    await next.open();
    await next.acquire(NAME, "other");
    for (let passed = 0; passed < 4; passed += 1) {
      await next.renew();
      await scene.stage.advance(LEASE_MS / 3);
    }
    expect(scene.lines).toEqual(["1 holder", "nobody, 1 holder crashed", "2 other"]);
    await scene.end();
  });
});

describe("leader()", () => {
  test("is the holder while the session lives, with the times of the session", async () => {
    const scene = new Scene();
    await scene.held();
    await scene.live(4 * LEASE_MS);
    const leader = await scene.observer.leader();
    expect(leader).toMatchObject({ candidateId: "holder", term: 1 });
    expect(leader?.expiresAt).toBeGreaterThan(scene.stage.time.wallMs());
  });

  test("is nobody once the session has ended or has surely run out", async () => {
    for (const end of ["crash", "seal", "close"] as const) {
      const scene = new Scene();
      await scene.held();
      await scene.session[end]();
      expect(await scene.observer.leader()).toBeUndefined();
    }
    const scene = new Scene();
    await scene.held();
    await scene.stage.advance(2 * LEASE_MS);
    expect(await scene.observer.leader()).toBeUndefined();
  });

  test("a lease that is taken between its two reads has its new leader", async () => {
    const scene = new Scene();
    await scene.held();
    const next = new SessionRows(scene.stage.table, "s-2", () => scene.stage.time.wallMs());
    await next.open();
    const store = afterFirstRead(scene.stage.table, async () => {
      await scene.session.crash();
      await next.acquire(NAME, "other");
    });
    const { election } = scene.stage.candidate("asks", { store });
    expect(await election.leader()).toMatchObject({ candidateId: "other", term: 2 });
  });
});

describe("isWedged()", () => {
  /** A holder asks about its own lease. */
  const watchedBySelf = async () => {
    const scene = new Scene();
    const options = resolveOptions(
      { name: NAME, leaseDurationMs: LEASE_MS, runtime: { clock: scene.stage.time } },
      () => "holder",
    );
    await scene.held(options.candidateId);
    const liveness = new Liveness(new LeaseClient(scene.stage.table, options, () => {}), options);
    return { scene, liveness };
  };

  test("is true when the session that holds the lease is not renewed for its lease, and not before", async () => {
    const { scene, liveness } = await watchedBySelf();
    const wedged: boolean[] = [];
    for (let look = 0; look < 12; look += 1) {
      wedged.push(await liveness.isWedged());
      await scene.session.renew();
      await scene.stage.advance(LEASE_MS / 2);
    }
    expect(wedged).not.toContain(true);
    expect(await liveness.isWedged()).toBe(false);
    await scene.stage.advance(LEASE_MS - 100);
    expect(await liveness.isWedged()).toBe(false);
    await scene.stage.advance(100);
    expect(await liveness.isWedged()).toBe(true);
  });

  test("a session that has ended, or has no row, is not renewed either", async () => {
    for (const end of ["crash", "gone"] as const) {
      const { scene, liveness } = await watchedBySelf();
      if (end === "crash") await scene.session.crash();
      else scene.stage.table.deleteLease(sessionRowName(scene.session.id));
      expect(await liveness.isWedged()).toBe(false);
      await scene.stage.advance(LEASE_MS);
      expect(await liveness.isWedged()).toBe(true);
    }
  });
});

describe("history()", () => {
  test("a leader under a living session leads, renewed when its session was", async () => {
    const scene = new Scene();
    await scene.held();
    await scene.live(4 * LEASE_MS);
    const [last] = await scene.observer.history();
    expect(last).toMatchObject({ term: 1, candidateId: "holder", endReason: undefined, endedAt: undefined });
    expect(last?.recorded.lastRenewedAt).toBe(scene.stage.time.wallMs() - LEASE_MS / 3);
  });

  test("the next leader records how and when its session ended", async () => {
    for (const [end, reason] of [
      ["crash", "crashed"],
      ["seal", "expired"],
    ] as const) {
      const scene = new Scene();
      await scene.held();
      await scene.live(4 * LEASE_MS);
      const endedAt = scene.stage.time.wallMs() - LEASE_MS / 3 + LEASE_MS;
      if (end === "seal") await scene.stage.advance(LEASE_MS);
      await scene.session[end]();
      void scene.stage.candidate("next").election.campaign();
      await scene.stage.advance(3 * LEASE_MS);
      const [next, last] = await scene.observer.history();
      expect(next).toMatchObject({ term: 2, endReason: undefined });
      expect(last).toMatchObject({
        term: 1,
        candidateId: "holder",
        endReason: reason,
        recorded: { endedAt },
      });
      // Not sixteen leases later, as the row says.
      expect(Math.abs((last?.endedAt ?? 0) - endedAt)).toBeLessThanOrEqual(LEASE_MS);
    }
  });

  test("a term ends with its session: crashed by its will, expired when it was sealed or ran out", async () => {
    for (const [end, reason] of [
      ["crash", "crashed"],
      ["seal", "expired"],
      ["silence", "expired"],
    ] as const) {
      const scene = new Scene();
      await scene.held();
      await scene.live(LEASE_MS);
      const renewedAt = scene.stage.time.wallMs() - LEASE_MS / 3;
      await scene.stage.advance(3 * LEASE_MS);
      if (end !== "silence") await scene.session[end]();
      const [last] = await scene.observer.history();
      expect(last).toMatchObject({ term: 1, endReason: reason, recorded: { endedAt: renewedAt + LEASE_MS } });
    }
  });
});
