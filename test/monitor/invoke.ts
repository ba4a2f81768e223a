/**
 * Invokes the deployed monitor's handler as Lambda would: once for each event in the arguments, one after another, in one
 * process. Metrics and log go where they go there; what each invocation returned or threw, to the parent.
 */
import { handler } from "../../lambda/monitor.js";

const TIMEOUT_MS = 50_000;

for (const event of process.argv.slice(2)) {
  const deadlineMs = Date.now() + TIMEOUT_MS;
  const context = { getRemainingTimeInMillis: () => deadlineMs - Date.now() };
  try {
    process.send?.({ result: await handler(JSON.parse(event), context as never) });
  } catch (error) {
    const { name, message } = error as Error;
    process.send?.({ error: { name, message } });
  }
}
process.disconnect?.();
