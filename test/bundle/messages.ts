/** What the schedule hands to a function; the mood is the test's own. */
export interface JobEvent {
  readonly scheduledTime: string;
  readonly executionId: string;
  readonly attempt: string;
  readonly mood?: Mood;
}

export type Mood = "fails" | "overruns" | "is slow" | "is killed";

/** What a function answered, or what Lambda says of it. */
export type Outcome =
  | { readonly kind: "answered"; readonly result: Answered }
  | { readonly kind: "failed"; readonly type: string; readonly message: string }
  /** Killed by Lambda at its timeout, or by the test. */
  | { readonly kind: "killed"; readonly because: "timeout" | "test" };

/** `LeaderResult` as it comes over the wire. */
export interface Answered {
  readonly role: "leader" | "follower" | "done" | "superseded";
  readonly term?: number;
  readonly result?: string;
}
