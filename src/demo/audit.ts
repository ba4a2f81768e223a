import type { LedgerPayment } from "./ledger.js";
import type { Payment } from "./payments.js";

/** Compares the table at the end with the payments of the input. */
export interface Audit {
  readonly payments: number;
  readonly appliedOnce: number;
  readonly duplicates: ReadonlyArray<{ readonly id: string; readonly terms: readonly number[] }>;
  readonly lost: readonly string[];
  readonly staleWritesRefused: number;
  readonly accounts: number;
  /** Accounts whose balance is not the sum of their payments. */
  readonly wrongBalances: readonly string[];
  /** The number of payments that were applied under each term. */
  readonly perTerm: ReadonlyMap<number, number>;
}

/** Pure. */
export function audit(
  input: readonly Payment[],
  table: { payments: LedgerPayment[]; balances: Map<string, bigint>; refusals: number },
): Audit {
  const inTable = new Map(table.payments.map((payment) => [payment.id, payment]));
  const expected = new Map<string, bigint>();
  for (const { account, currency, amountMinor } of input) {
    const key = `account#${account}#${currency}`;
    expected.set(key, (expected.get(key) ?? 0n) + BigInt(amountMinor));
  }
  const perTerm = new Map<number, number>();
  for (const term of table.payments.flatMap(({ appliedUnder }) => appliedUnder)) {
    perTerm.set(term, (perTerm.get(term) ?? 0) + 1);
  }
  const times = (id: string) => inTable.get(id)?.timesApplied ?? 0;
  const accounts = new Set([...expected.keys(), ...table.balances.keys()]);
  return {
    payments: input.length,
    appliedOnce: input.filter(({ id }) => times(id) === 1).length,
    duplicates: table.payments
      .filter(({ timesApplied }) => timesApplied > 1)
      .map(({ id, appliedUnder }) => ({ id, terms: appliedUnder })),
    lost: input.filter(({ id }) => times(id) === 0).map(({ id }) => id),
    staleWritesRefused: table.refusals,
    accounts: expected.size,
    wrongBalances: [...accounts].filter(
      (key) => (expected.get(key) ?? 0n) !== (table.balances.get(key) ?? 0n),
    ),
    perTerm,
  };
}
