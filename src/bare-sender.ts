/**
 * Sends signed requests where nothing but Node is: in a companion process, and in worker threads. It is a text, because
 * an application may be one bundled file, so that there is no module to load (CommonJS, without backquotes).
 *
 * - `load(request)` loads what `send` needs for this request, so that no time is lost later.
 * - `send(request, timeoutMs)` resolves to `{ status, body }` if the answer comes in time, and rejects otherwise.
 * - `readAnswer({ status, body })` returns an `AnswerRead`.
 */
export const BARE_SENDER = `
const load = ({ protocol }) => require(protocol === "http:" ? "node:http" : "node:https");

const send = (request, timeoutMs) => new Promise((resolve, reject) => {
  const { method, port, path, headers, body } = request;
  const hostname = request.hostname.replace(/^\\[(.*)\\]$/, "$1");
  const call = load(request).request({ method, hostname, port, path, headers });
  const timer = setTimeout(() => call.destroy(new Error("no answer within " + timeoutMs + " ms")), timeoutMs);
  const fail = (error) => {
    clearTimeout(timer);
    reject(error);
  };
  call.on("error", fail).on("response", (response) => {
    let text = "";
    response.setEncoding("utf8").on("data", (part) => (text += part)).on("error", fail).on("end", () => {
      clearTimeout(timer);
      resolve({ status: response.statusCode, body: text });
    });
  });
  call.end(body);
});

const readAnswer = ({ status, body }) => {
  let answer;
  try {
    answer = JSON.parse(body) || {};
  } catch {
    answer = {};
  }
  const error = status === 200 ? undefined : String(answer.__type || status).replace(/^.*#/, "");
  const attributes = answer.Attributes || answer.Item;
  const { term, revision, holder } = attributes || {};
  return {
    done: error === undefined,
    refused: error === "ConditionalCheckFailedException",
    transient: error !== undefined && (status >= 500 || status === 429 ||
      /Throttl|ThroughputExceeded|RequestLimitExceeded|TransactionConflict|TransactionInProgress/.test(error)),
    error,
    attributes,
    row: attributes && { term: term && term.N, revision: revision && revision.N, holder: holder && holder.S },
  };
};
`;

/** What DynamoDB's answer means. */
export interface AnswerRead {
  readonly done: boolean;
  /** The condition did not hold. */
  readonly refused: boolean;
  /** The same request may succeed later. */
  readonly transient: boolean;
  /** The name of DynamoDB's error, or the status of an answer that has none. Undefined: `done`. */
  readonly error: string | undefined;
  /** The whole row, in DynamoDB's JSON, if the answer has one: after the write or, if it was refused, as it is. */
  readonly attributes: Record<string, unknown> | undefined;
  /** What all programs need of it, as texts. */
  readonly row: { readonly term?: string; readonly revision?: string; readonly holder?: string } | undefined;
}
