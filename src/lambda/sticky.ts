/** Keeps a job in one group of functions, such as a Region. */
export interface StickyOptions {
  /** The group, usually the function's Region: 1 to 100 of `A-Z a-z 0-9 . _ -`. */
  group: string;
  /**
   * How long other groups wait after a completed run, in milliseconds: 1 to 2,678,400,000 (31 days). It must be longer
   * than the time from one tick to the next. If the group misses a tick, another group runs it when this time is over.
   */
  forMs: number;
}
