export type { LambdaContext } from "./lambda/context.js";
export { type LeaderResult, type LeaderWork, leaderHandler, type Occasion } from "./lambda/handler.js";
export { type LeaderMiddleware, leaderMiddleware, type MiddyRequest } from "./lambda/middleware.js";
export { OutOfTimeError } from "./lambda/out-of-time.js";
export type { LeaderOptions, StickyOptions } from "./lambda/settings.js";
