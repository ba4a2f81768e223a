import { TableUnavailableError } from "../../errors.js";
import type { TransactRequest } from "../lease-store.js";

/** DynamoDB remembers a transaction's token for ten minutes. */
const TOKEN_MEMORY_MS = 600_000;

/** The tokens of transactions that were applied: a second request with the same token changes nothing. */
export class TransactionTokens {
  readonly #byId = new Map<string, { readonly atMs: number; readonly content: string }>();

  /** Rejects a token that was used for something else, as DynamoDB does (`IdempotentParameterMismatchException`). */
  isKnown(request: TransactRequest, nowMs: number): boolean {
    for (const [known, { atMs }] of this.#byId) {
      if (nowMs - atMs <= TOKEN_MEMORY_MS) break;
      this.#byId.delete(known);
    }
    const known = this.#byId.get(request.commit.id);
    if (known && known.content !== contentOf(request)) {
      throw new TableUnavailableError("commit a transaction, whose token was used for another");
    }
    return known !== undefined;
  }

  remember(request: TransactRequest, nowMs: number): void {
    this.#byId.set(request.commit.id, { atMs: nowMs, content: contentOf(request) });
  }

  clear(): void {
    this.#byId.clear();
  }
}

function contentOf({ election, candidateId, term, commit, actions }: TransactRequest): string {
  return JSON.stringify([election, candidateId, term, commit.number, actions]);
}
