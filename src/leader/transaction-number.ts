import type { Call } from "./transaction-queue.js";

/** Some calls under one id: what may land as a number, or, with no calls, the number alone. */
export interface Content {
  readonly id: string;
  readonly calls: readonly Call[];
  /** They are apart from the calls that wait, because of trouble that they had. */
  readonly isApart: boolean;
  tries: number;
}

/** So many contents may be under way before the number is decided by itself: what is remembered stays bounded. */
const MAX_CONTENTS = 16;

/** All that was ever sent under the number that is about to be decided, and who is to be refused when it is. */
export class OpenNumber {
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

  /** One request, sent once: its refusal is all that can ever become of it. */
  wasSentOnce(attempts: number | undefined): boolean {
    return this.#client === 1 && attempts === 1;
  }

  /** Not told before something without it has landed. */
  refuse(call: Call, error: unknown): void {
    this.#refused.set(call, error);
  }

  errorOf(call: Call): unknown {
    return this.#refused.get(call);
  }

  get hasRefused(): boolean {
    return this.#refused.size > 0;
  }

  get isCrowded(): boolean {
    return this.#sent.size >= MAX_CONTENTS;
  }

  /** Of these a request may be under way, or an answer is owed. */
  get unsettled(): Call[] {
    const all = new Set([...[...this.#sent.values()].flat(), ...this.#refused.keys()]);
    return [...all].filter(({ settled }) => !settled);
  }

  contentOf(id: string): readonly Call[] {
    return this.#sent.get(id) ?? [];
  }

  /** Settled otherwise. */
  forget(call: Call): void {
    this.#refused.delete(call);
  }
}
