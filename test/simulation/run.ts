import type { Violation } from "./violation.js";

/** What one history has shown. */
export interface Run {
  readonly seed: number;
  readonly steps: number;
  /** How often work began. */
  readonly elections: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly simulatedMs: number;
  /** How many steps saw two trusted leaders: none, except where clocks break the assumptions. */
  readonly exclusionBroken: number;
  readonly violation: Violation | undefined;
}
