export type { LambdaContext } from "./context.js";
export { type LeaderWork, leaderHandler, type Occasion } from "./handler.js";
export {
  type LeaderContext,
  type LeaderMiddleware,
  leaderMiddleware,
  type MiddyRequest,
} from "./middleware.js";
export { MissedTickError } from "./missed-tick.js";
export { OutOfTimeError } from "./out-of-time.js";
export type { LeaderResult } from "./result.js";
export type { LeaderOptions, LeaderSettings, LeaderTuning } from "./settings.js";
export type { StickyOptions } from "./sticky.js";
