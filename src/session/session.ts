import { defaultLabel } from "../candidate/default-label.js";
import { Code } from "../describe.js";
import { InvalidOptionError } from "../errors.js";
import type { ResignOutcome } from "../events.js";
import type { SessionHandle } from "../options.js";
import { warnOfSilence } from "../silence.js";
import { storeOf } from "../store/open-store.js";
import { resolveSession, type SessionGiven, type SessionOptions } from "./options.js";
import { SessionCore } from "./session-core.js";

/** What an election finds behind its session. */
export interface SessionInside {
  readonly core: SessionCore;
  readonly given: SessionGiven;
}

const insides = new WeakMap<object, SessionInside>();

/**
 * One heartbeat for any number of leases. Elections that are made with this session hold their leases as long as it lives: it
 * writes one row per renewal interval, instead of one row per lease. If this process dies, all its leases are free together: when
 * the session has run out, or within milliseconds with `lastWill`. docs/sessions.md says when to use it.
 *
 * It opens when the first lease is taken, and closes itself while it holds none. If it is lost, all leaderships under it end
 * with the reason `session-lost`, and the next lease opens another one.
 */
export class Session implements SessionHandle, AsyncDisposable {
  readonly #core: SessionCore;

  /**
   * Sends nothing. All durations are in milliseconds.
   * @throws InvalidOptionError: an option cannot work. The error names the option, the rule and a value that works.
   * @example
   * const session = new Session({ client: new DynamoDBClient({}), tableName: "incumbent" });
   * const elections = customers.map((id) => new Election({ session, name: `customers/${id}` }));
   */
  constructor(options: SessionOptions) {
    const resolved = resolveSession(options, defaultLabel);
    this.#core = new SessionCore(storeOf(options), resolved, options.onEvent ?? warnOfSilence());
    const { leaseDurationMs, renewIntervalMs, stopTimeoutMs, lastWill, heartbeat, tuning, runtime } = options;
    const given = { leaseDurationMs, renewIntervalMs, stopTimeoutMs, lastWill, heartbeat, tuning, runtime };
    insides.set(this, { core: this.#core, given: { ...given, label: resolved.label } });
  }

  /** The id of the session that is open now. Undefined: none is open. Each time it opens it has another one. */
  get id(): string | undefined {
    return this.#core.current?.id;
  }

  /** Whether a session is open, and is trusted by the clocks at this call. It sends no request. */
  get isOpen(): boolean {
    return this.remainingMs() > 0;
  }

  /**
   * Tells how long the session may still be trusted, in milliseconds, by the clocks at this call. Each renewal extends it. It
   * is 0 when none is open.
   * @throws nothing.
   * @example
   * server.get("/ready", (_, res) => res.json({ trustLeftMs: session.remainingMs() }));
   */
  remainingMs(): number {
    return Math.max(0, this.#core.current?.trustLeftMs() ?? 0);
  }

  /**
   * Milliseconds since the table last answered the heartbeat, by the clock that shows more; undefined before the first
   * answer.
   */
  get msSinceContact(): number | undefined {
    return this.#core.msSinceContact;
  }

  /**
   * Ends all bids and leaderships under this session, in the planned way, and gives all leases back: `lead()` resolves, and
   * `campaign()` rejects with a `SessionClosedError`. Then it gives the session's row back. It takes `stopTimeoutMs` at most, and
   * the time of one request. Work that has not stopped by then keeps its lease until the session has run out.
   * @returns the outcome for the session's row. A second call returns the same one.
   * @throws nothing.
   * @example
   * process.once("SIGTERM", () => session.close());
   */
  close(): Promise<ResignOutcome> {
    return this.#core.close();
  }

  /**
   * Closes at the end of the scope of `await using`.
   * @throws nothing.
   * @example
   * await using session = new Session({ client });
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Throws `InvalidOptionError` for anything but a `Session`. */
export function insideOf(session: unknown): SessionInside {
  const inside = typeof session === "object" && session !== null ? insides.get(session) : undefined;
  if (inside) return inside;
  const example = new Code("new Session({ client: new DynamoDBClient({}) })");
  throw new InvalidOptionError("session", "must be a Session", session, example);
}
