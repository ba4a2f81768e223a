import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { dataOf } from "../../src/describe.js";

/** One request over the network: an SDK's retry is another one. */
export interface RequestSample {
  /** Such as `UpdateItem`. */
  readonly operation: string;
  /** By this host's wall clock, epoch milliseconds. */
  readonly sentAt: number;
  readonly tookMs: number;
  /** Undefined: there was no answer. */
  readonly status: number | undefined;
  /** The `Date` header as it came. Undefined: the answer had none. */
  readonly date: string | undefined;
  /** The error's name. */
  readonly error?: string;
  /** Of a cancelled transaction: the code for each of its parts. */
  readonly reasons?: readonly string[];
}

interface Response {
  readonly statusCode?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Records each request of this client. It keeps names and times, and neither items nor messages. */
export function record(client: DynamoDBClient, samples: RequestSample[]): void {
  const responses = new WeakMap<object, Response>();
  client.middlewareStack.add(
    (next, { commandName = "" }) =>
      async (args) => {
        const request = args.request as object;
        const operation = commandName.replace(/Command$/, "");
        const sentAt = Date.now();
        const startMs = performance.now();
        const done = (more: object) => {
          const tookMs = Math.round((performance.now() - startMs) * 100) / 100;
          const { statusCode: status, headers } = responses.get(request) ?? {};
          samples.push({ operation, sentAt, tookMs, status, date: headers?.date, ...more });
        };
        try {
          const result = await next(args);
          done({});
          return result;
        } catch (error) {
          done(failureOf(error));
          throw error;
        }
      },
    { step: "deserialize", name: "recordRequest", priority: "high" },
  );
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      responses.set(args.request as object, result.response as Response);
      return result;
    },
    { step: "deserialize", name: "recordResponse", priority: "low" },
  );
}

export function failureOf(error: unknown): { error: string; reasons?: readonly string[] } {
  const name = String(dataOf(error, "name") ?? "Error");
  const reasons = dataOf(error, "CancellationReasons");
  if (!Array.isArray(reasons)) return { error: name };
  return { error: name, reasons: reasons.map((reason) => String(dataOf(reason, "Code") ?? "None")) };
}
