import { datesOf } from "./dates.js";
import { type PartResult, result, type Stage } from "./part.js";

const PART = "headers";
/** The default of `maxServiceClockErrorMs`: how far two of the table's servers may differ. */
const ALLOWED_MS = 1_000;

/** What the `Date` headers of all answers so far say. */
export function headers({ samples }: Pick<Stage, "samples">): PartResult {
  const { answers, withoutDate, unreadable, aheadMs, contradictionMs } = datesOf(samples);
  const violations = [
    ...(withoutDate > 0 ? [`${withoutDate} of ${answers} answers had no Date header.`] : []),
    ...(unreadable > 0 ? [`${unreadable} of ${answers} Date headers could not be read.`] : []),
    ...(contradictionMs > ALLOWED_MS
      ? [`Date headers contradict each other by ${contradictionMs} ms; ${ALLOWED_MS} ms are allowed for.`]
      : []),
  ];
  const refusals = samples.filter(({ status = 0 }) => status >= 400).length;
  const notes = [
    contradictionMs > 0
      ? `Date headers contradict each other by ${contradictionMs} ms, or this host's wall clock was stepped meanwhile.`
      : "All headers fit one clock.",
    ...(aheadMs
      ? [`DynamoDB's clock is ${aheadMs.least} to ${aheadMs.most} ms ahead of this host's wall clock.`]
      : []),
  ];
  return result(PART, `${answers} answers, ${refusals} of them errors.`, violations, { notes });
}
