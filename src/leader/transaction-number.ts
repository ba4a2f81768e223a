import type { Call } from "./transaction-queue.js";

/** Some calls under one id: what may land as a number. Without calls: the number alone (rule 9c). */
export interface Content {
  readonly id: string;
  readonly calls: readonly Call[];
  /** They go separately from the calls that wait, because a transaction with them failed before. */
  readonly isSeparate: boolean;
  tries: number;
}

/**
 * At most so many contents may be under way before the number is decided without calls. That bounds what is
 * remembered.
 */
const MAX_CONTENTS = 16;

/**
 * Everything that was ever sent under the number to be decided next, and the calls to refuse once it is
 * decided.
 */
export class UndecidedNumber {
  readonly #sent = new Map<string, readonly Call[]>();
  readonly #refused = new Map<Call, unknown>();
  #client = 0;

  constructor(readonly number: number) {}

  has(id: string): boolean {
    return this.#sent.has(id);
  }

  sends({ id, calls }: Content): void {
    this.#sent.set(id, calls);
    this.#client += 1;
  }

  /** One request that was sent once: its refusal is all that can ever become of it (rule 9d). */
  wasSentOnce(attempts: number | undefined): boolean {
    return this.#client === 1 && attempts === 1;
  }

  /** The call learns of it only after something without it has landed (rule 9c). */
  refuse(call: Call, error: unknown): void {
    this.#refused.set(call, error);
  }

  errorOf(call: Call): unknown {
    return this.#refused.get(call);
  }

  get hasRefused(): boolean {
    return this.#refused.size > 0;
  }

  get isFull(): boolean {
    return this.#sent.size >= MAX_CONTENTS;
  }

  /** Calls of which a request may be under way, or which wait for an answer. */
  get unsettled(): Call[] {
    const all = new Set([...[...this.#sent.values()].flat(), ...this.#refused.keys()]);
    return [...all].filter(({ settled }) => !settled);
  }

  contentOf(id: string): readonly Call[] {
    return this.#sent.get(id) ?? [];
  }

  /** The call was settled in another way. */
  forget(call: Call): void {
    this.#refused.delete(call);
  }
}
