import type { Instant } from "../../src/clock.js";
import {
  type StandIn,
  type StandInLane,
  type StandInPlan,
  type StandInReport,
  type StandInSender,
  type StandInTenure,
  sendStandInsBy,
} from "../../src/heartbeat-thread/sender.js";
import type { Written } from "../../src/protocol/verbs.js";
import type { LeaseSigner, LeaseStore } from "../../src/store/lease-store.js";
import { plainSigner, sendSigned } from "./wills.js";

/** A heartbeat thread in a test's hand: it sends when the test says so, and its answers come when the test says so. */
export class FakeThread implements StandInSender {
  tenure: StandInTenure | undefined;
  plan: StandInPlan | undefined;
  untilMs = Number.POSITIVE_INFINITY;
  isClosed = false;
  /** Nothing is signed while it is set. */
  signingError: Error | undefined;
  /** Awaited before anything is signed. */
  signing: Promise<unknown> | undefined;
  readonly #reports: StandInReport[] = [];

  constructor(private readonly store: LeaseStore) {}

  open(tenure: StandInTenure): StandInLane {
    this.tenure = tenure;
    return {
      replace: (plan) => {
        this.plan = plan;
      },
      sendUntil: (byMs) => {
        this.untilMs = byMs;
      },
      take: () => this.#reports.shift(),
      close: () => {
        this.isClosed = true;
      },
    };
  }

  standIn(slot: number): StandIn {
    const standIn = this.plan?.standIns.find((each) => each.slot === slot);
    if (standIn === undefined) throw new Error(`no stand-in for slot ${slot}`);
    return standIn;
  }

  /** It reaches the table. Nobody knows the answer yet. */
  async land(standIn: StandIn): Promise<Written> {
    return (await sendSigned(this.store, standIn.request)) as Written;
  }

  report({ id }: StandIn, written: Written, sent: Instant, received: Instant): void {
    this.#reports.push({ id, sent, received, written: () => written });
  }
}

/** A view of `store` for one candidate. Its requests go there, and the stand-ins that its thread sends go to `table`. */
export function withFakeThread(
  store: LeaseStore,
  table: LeaseStore,
): { store: LeaseStore; thread: FakeThread } {
  const thread = new FakeThread(table);
  const signer: LeaseSigner = {
    ...plainSigner,
    renew: async (request, abort) => {
      await thread.signing;
      if (thread.signingError) throw thread.signingError;
      return plainSigner.renew(request, abort);
    },
  };
  const view = new Proxy(store, {
    get(target, name) {
      if (name === "signer") return signer;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  sendStandInsBy(view, thread);
  return { store: view, thread };
}
