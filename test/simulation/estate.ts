import { executeWillsOf, type SignedWill, type WillExecutor } from "../../src/last-will/executor.js";
import type { Lease, OwnTerm } from "../../src/protocol/lease.js";
import type { Answer } from "../../src/protocol/verbs.js";
import type { LeaseSigner, LeaseStore } from "../../src/store/lease-store.js";
import type { SignedRequest } from "../../src/store/signed-request.js";
import { plainSigner, sendSigned } from "../support/wills.js";
import { Host } from "./host.js";
import type { Network } from "./network.js";
import type { Random } from "./random.js";
import type { World } from "./world.js";

/** What a process leaves: `nothing` when its machine is gone, else what its exit hook or its companion sends. */
export type Death = "lost" | "killed" | "exits";

/** A process turns its event loop once more before it starts a companion. */
const START_MS = 1;
/** The pipe to the companion. */
const HAND_OVER_MS = 1;
/** DynamoDB takes a signed request for so long. */
const SIGNATURE_MS = 300_000;
/** A companion polls whether its process is gone. */
const NOTICED_MS = 200;
const TIMEOUT_MS = 3_000;

export interface Bequests {
  readonly world: World;
  readonly network: Network;
  readonly random: Random;
  /** A will was executed, or refused for good, and the answer showed this row. */
  executed(own: OwnTerm, row: Lease | undefined): void;
}

/** What one process hands over, and what sends it when the process has died: through the same weather as everything. */
export class Estate implements WillExecutor {
  /** A machine's network is shared; its own is what it runs on. */
  readonly host: Host;
  /** In the memory of the process: what its exit hook sends, and what a new companion is given. */
  readonly #own = new Map<string, SignedWill>();
  /** Undefined: none has been started, or it is dead and another one is on its way. */
  #companion: Map<string, SignedWill> | undefined;
  #starting: Promise<void> | undefined;
  readonly #onExit = new Set<() => void>();
  readonly #known = new WeakMap<SignedRequest, OwnTerm & { readonly signedMs: number }>();

  constructor(
    private readonly bequests: Bequests,
    private readonly process: Host,
  ) {
    this.host = new Host(bequests.world, 1, { offsetMs: 0, isRight: true });
  }

  /** The store of the process, with requests that can be signed. */
  on(store: LeaseStore): LeaseStore {
    const signer: LeaseSigner = {
      crash: async (request, signal) => this.#signed(request, await plainSigner.crash(request, signal)),
      resign: async (request, signal) => this.#signed(request, await plainSigner.resign(request, signal)),
      renew: async (request, signal) => this.#signed(request, await plainSigner.renew(request, signal)),
    };
    const signing = { ...store, signer };
    executeWillsOf(signing, this);
    return signing;
  }

  #signed({ candidateId, term }: OwnTerm, request: SignedRequest): SignedRequest {
    this.#known.set(request, { candidateId, term, signedMs: this.bequests.world.nowMs });
    return request;
  }

  /** After the request that its caller has made has left. */
  start(): Promise<void> {
    this.#starting ??= new Promise((resolve) => this.#startCompanion(START_MS, resolve));
    return this.#starting;
  }

  set(key: string, will: SignedWill): Promise<void> {
    this.#own.set(key, will);
    return new Promise((resolve) => this.#tell((companion) => companion.set(key, will), resolve));
  }

  clear(key: string): void {
    this.#own.delete(key);
    this.#tell((companion) => companion.delete(key));
  }

  #tell(what: (companion: Map<string, SignedWill>) => void, told = () => {}): void {
    this.bequests.world.after(HAND_OVER_MS, () => {
      if (!this.process.alive) return;
      if (this.#companion) what(this.#companion);
      this.process.whenRunning(told);
    });
  }

  get isStarted(): boolean {
    return this.#starting !== undefined;
  }

  /** The terms that end if the process is killed now. Undefined: it has no companion, and nobody else knows. */
  get terms(): ReadonlySet<number> | undefined {
    return this.#companion && this.#termsOf(this.#companion);
  }

  /** The terms that end if the process exits now. */
  get ownTerms(): ReadonlySet<number> {
    return this.#termsOf(this.#own);
  }

  #termsOf(wills: ReadonlyMap<string, SignedWill>): ReadonlySet<number> {
    return new Set([...wills.values()].map(({ request }) => this.#known.get(request)?.term ?? 0));
  }

  onExit(listener: () => void): () => void {
    this.#onExit.add(listener);
    return () => void this.#onExit.delete(listener);
  }

  onUnavailable(): () => void {
    return () => {};
  }

  /** The companion alone. The process notices, and starts another one. */
  companionDies(): void {
    this.#companion = undefined;
    this.#startCompanion(this.bequests.random.between(10, 2_000));
  }

  #startCompanion(afterMs: number, started = () => {}): void {
    this.bequests.world.after(afterMs, () =>
      this.process.whenRunning(() => {
        this.#companion ??= new Map(this.#own);
        started();
      }),
    );
  }

  /** Called when the process still lives, and ends with it. */
  dies(how: Death): void {
    const { world, random } = this.bequests;
    if (how === "exits") for (const listener of [...this.#onExit]) listener();
    this.process.kill();
    const left = [...(this.#companion?.values() ?? [])];
    if (how === "exits") this.#executeAll([...this.#own.values()]);
    // It need not know that the exit hook was faster.
    if (how === "killed" || (how === "exits" && random.chance(0.3)))
      world.after(random.between(0, NOTICED_MS), () => this.#executeAll(left));
  }

  #executeAll(wills: readonly SignedWill[]): void {
    for (const will of wills) void this.#execute(will);
  }

  async #execute(will: SignedWill): Promise<void> {
    const { world, network, random, executed } = this.bequests;
    const store = network.from(this.host);
    const { signedMs, ...own } = this.#known.get(will.request) as OwnTerm & { signedMs: number };
    const untilMs = world.nowMs + will.worthMs;
    while (this.host.alive) {
      if (world.nowMs > untilMs) return network.count("willGivenUp");
      if (world.nowMs > signedMs + SIGNATURE_MS) return network.count("willTooOld");
      network.count("willSent");
      const answer = await this.#ask(store, will.request);
      if (answer?.done) network.count("willExecuted");
      if (answer && isFinal(answer, will)) return executed(own, (answer as { lease?: Lease }).lease);
      await new Promise<void>((resolve) => world.after(random.between(50, 1_000), resolve));
    }
  }

  /** Undefined: no answer, or an error. */
  #ask(store: LeaseStore, request: SignedRequest): Promise<(Answer & { done: boolean }) | undefined> {
    const late = new Promise<undefined>((resolve) =>
      this.bequests.world.after(TIMEOUT_MS, () => resolve(undefined)),
    );
    return Promise.race([sendSigned(store, request).catch(() => undefined), late]);
  }
}

function isFinal(answer: Answer & { done: boolean }, { basis }: SignedWill): boolean {
  const row = (answer as { lease?: Lease }).lease;
  return answer.done || basis === undefined || row?.term !== basis.term || row.revision !== basis.revision;
}
