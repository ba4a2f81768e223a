/** Keeps the job where it is. */
export interface StickyOptions {
  /** Who shares it: usually the function's Region. 1 to 100 of `A-Z a-z 0-9 . _ -`. */
  group: string;
  /**
   * For so long after a completed run others wait, in milliseconds. More than from tick to tick; what it is more is what the
   * first missed tick is late.
   */
  forMs: number;
}
