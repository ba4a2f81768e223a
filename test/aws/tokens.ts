import { randomUUID } from "node:crypto";
import { TransactWriteItemsCommand } from "@aws-sdk/client-dynamodb";
import { Counter } from "./counter.js";
import { type PartResult, result, type Stage } from "./part.js";
import { failureOf } from "./recorder.js";

const PART = "tokens";

/** AWS: "valid for 10 minutes after the first request that uses it is completed". Half a minute more, to be sure. */
export const TOKEN_MEMORY_MS = 10 * 60_000;
export const TOKEN_WAIT_MS = TOKEN_MEMORY_MS + 30_000;

/** What is known before the ten minutes are over, and how it is finished. */
export interface TokensBegun {
  readonly completedMs: number;
  readonly found: PartResult;
  /** To be called when the ten minutes are over. */
  later(): Promise<PartResult>;
}

/** What DynamoDB does with a `ClientRequestToken` that comes again. The client relies on none of it (rule 9). */
export async function tokens(stage: Stage): Promise<TokensBegun> {
  const { client, signal } = stage;
  const counter = new Counter(stage.tableName, `${stage.prefix}tokens`);
  const token = randomUUID();
  const send = async (note: string): Promise<string> => {
    const Update = counter.addOne(note);
    const command = new TransactWriteItemsCommand({ TransactItems: [{ Update }], ClientRequestToken: token });
    try {
      await client.send(command, { abortSignal: signal });
      return "accepted";
    } catch (error) {
      signal.throwIfAborted();
      return failureOf(error).error;
    }
  };
  const violations: string[] = [];
  const notes: string[] = [];
  const expect = (what: string, found: string | number, wanted: string | number) => {
    if (found === wanted) notes.push(`${what}: ${found}.`);
    else violations.push(`${what}: ${found}, expected ${wanted}.`);
  };
  const count = () => counter.read(client, signal);

  expect("The first request", await send("a"), "accepted");
  const completedMs = performance.now();
  expect("The same token and content again, at once", await send("a"), "accepted");
  expect("The counter after both", await count(), 1);
  const other = await send("b");
  expect("The same token with another content, at once", other, "IdempotentParameterMismatchException");
  expect("The counter after it", await count(), 1);

  const finding = (summary: string): PartResult => result(PART, summary, violations, { notes });
  return {
    completedMs,
    found: finding("A token was used again at once. What happens after ten minutes was not waited for."),
    async later() {
      const again = await send("a");
      const n = await count();
      notes.push(
        n === 2
          ? "After ten minutes and a half the same request was applied again: the token was forgotten, as AWS documents."
          : `After ten minutes and a half the same request was ${again}, and the counter shows ${n}.`,
      );
      if (n > 2) violations.push(`The counter shows ${n} after two requests that could count.`);
      return finding("A token was used again at once, and after ten minutes and a half.");
    },
  };
}
