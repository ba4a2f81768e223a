import type { LeaseClient } from "../lease-client.js";
import { endsAtMs } from "../protocol/expiry.js";
import { sessionOf } from "../protocol/lease.js";
import { type Observation, observe } from "../protocol/observation.js";
import { nextPollMs } from "../protocol/poll-schedule.js";
import {
  bothNamed,
  changedSince,
  nudgedSince,
  nudgesOf,
  readChanges,
  type SessionFate,
  sessionFate,
} from "../protocol/sessions.js";
import { type Standing, standing } from "../protocol/under-session.js";
import type { ResolvedOptions } from "../resolve-options.js";

/** What an observer knows of the lease row and, if it is held under a session, of the session's row. */
export interface Sight {
  readonly observation: Observation;
  readonly session: SessionSight | undefined;
}

interface SessionSight {
  readonly id: string;
  readonly observation: Observation;
  /** The session's row was read after the lease row: what it says of changes does not count yet. */
  readonly isNewer: boolean;
  /** Since when it has no row, in the observer's monotonic time. */
  readonly missingSinceMs: number | undefined;
}

/**
 * Looks at a lease for those who only read. Under a session the lease row rests, so it looks at the session's row, and at the
 * lease row when that row says that it has changed (rule 14g). It writes nothing: it neither seals nor buries.
 */
export class Lookout {
  constructor(
    private readonly client: LeaseClient,
    private readonly options: ResolvedOptions,
  ) {}

  async look(
    before: Sight | undefined,
    consistent: boolean,
    signal: AbortSignal | undefined,
  ): Promise<Sight> {
    const known = before?.session;
    const session = known && !consistent ? await this.#session(known.id, known, false, signal) : undefined;
    if (before && known && session && !this.#isLeaseDue(before, known, session))
      return { ...before, session: { ...session, isNewer: false } };
    // What the session says has changed must be seen, also on an old replica.
    const isFresh = consistent || session !== undefined;
    const { answer, received } = await this.client.look(isFresh, signal);
    const observation = observe(before?.observation, answer.lease, received.monotonicMs, isFresh);
    const id = sessionOf(observation.lease);
    if (id === undefined) return { observation, session: undefined };
    if (id === session?.id) return { observation, session: { ...session, isNewer: false } };
    const seen = known?.id === id ? known : undefined;
    return { observation, session: await this.#session(id, seen, consistent, signal) };
  }

  /** The lease as people see it. Nobody leads if `over`, or if it has run out by `endsAtMs`. */
  standing({ observation, session }: Sight): Standing {
    return standing(observation.lease, session?.observation.lease);
  }

  /** Until when the lease counts as held if nothing changes, in the observer's monotonic time. Undefined: nobody holds it. */
  heldUntilMs({ observation: { lease, firstSeenMs }, session }: Sight): number | undefined {
    if (lease?.kind !== "held") return undefined;
    const now = this.client.time.now();
    const { leaseDurationMs: durationMs, expiresAt: until } = lease;
    if (!session) {
      const clock = this.options.useServiceClock ? this.client.time.headers : undefined;
      return endsAtMs({ firstSeenMs, durationMs, until }, now, clock);
    }
    const fate = this.#fate(session);
    if (fate.kind === "alive") return fate.untilMs;
    // Rule 14e: a missing session is no dead one.
    if (fate.kind === "missing") return (session.missingSinceMs ?? now.monotonicMs) + durationMs;
    return fate.kind === "tombstone" ? fate.sinceMs + durationMs : now.monotonicMs;
  }

  /** In how many ms to look again. */
  nextLookInMs(sight: Sight): number {
    const { renewIntervalMs } = this.options;
    const { session } = sight;
    const { lease, schedule } = session?.observation ?? sight.observation;
    if (lease?.kind !== "held") return renewIntervalMs;
    const nowMs = this.client.time.now().monotonicMs;
    const deadMs = this.#observedEndMs(sight);
    const pollMs = nextPollMs(schedule, lease.renewIntervalMs);
    return Math.max(0, (deadMs > nowMs ? Math.min(pollMs, deadMs) : pollMs) - nowMs);
  }

  #observedEndMs({ observation, session }: Sight): number {
    const { lease, firstSeenMs } = session?.observation ?? observation;
    return firstSeenMs + (lease?.leaseDurationMs ?? 0);
  }

  #fate({ observation }: SessionSight): SessionFate {
    const { time } = this.client;
    return sessionFate(observation, time.now(), time.headers, this.options);
  }

  /** Whoever takes a lease of a session that is over leaves no note in its row. */
  #isLeaseDue({ observation }: Sight, before: SessionSight, session: SessionSight): boolean {
    if (before.isNewer || this.#fate(session).kind !== "alive") return true;
    const { lease, polledMs } = observation;
    const dueMs = polledMs + (lease?.renewIntervalMs ?? 0);
    return dueMs <= this.client.time.now().monotonicMs || this.#isNamed(before, session);
  }

  #isNamed(before: SessionSight, session: SessionSight): boolean {
    const { name } = this.options;
    const [old, now] = [factsOf(before), factsOf(session)];
    const changed = changedSince(old.changes.count, now.changes);
    const named = bothNamed(changed, nudgedSince(old.nudges.count, now.nudges));
    return named === undefined || named.includes(name);
  }

  async #session(
    id: string,
    before: SessionSight | undefined,
    consistent: boolean,
    signal: AbortSignal | undefined,
  ): Promise<SessionSight> {
    const { answer, received } = await this.client.readSession(id, consistent, signal);
    const observation = observe(before?.observation, answer.lease, received.monotonicMs, consistent);
    const missingSinceMs =
      observation.lease === undefined ? (before?.missingSinceMs ?? received.monotonicMs) : undefined;
    return { id, observation, isNewer: true, missingSinceMs };
  }
}

function factsOf({ observation: { lease } }: SessionSight) {
  const row = lease?.kind === "placeholder" ? undefined : lease;
  return { changes: readChanges(row?.value), nudges: nudgesOf(row) };
}
