export type { LambdaContext } from "./lambda/context.js";
export { type LeaderWork, leaderHandler, type Occasion } from "./lambda/handler.js";
export {
  type LeaderContext,
  type LeaderMiddleware,
  leaderMiddleware,
  type MiddyRequest,
} from "./lambda/middleware.js";
export { OutOfTimeError } from "./lambda/out-of-time.js";
export type { LeaderResult } from "./lambda/result.js";
export type { LeaderOptions } from "./lambda/settings.js";
export type { StickyOptions } from "./lambda/sticky.js";
