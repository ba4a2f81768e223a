import type { Death, FromWorker, ToWorker, WorkerConfig } from "./messages.js";
import { WorkerProcess } from "./worker-process.js";

/** One candidate of a contest, in a process of its own. */
export class Member extends WorkerProcess<WorkerConfig, FromWorker, ToWorker> {
  candidateId: string | undefined;

  constructor(program: string, config: WorkerConfig, heard: (message: FromWorker, atMs: number) => void) {
    super(program, config, (message, atMs) => {
      if (message.type === "hello") this.candidateId = message.candidateId;
      heard(message, atMs);
    });
  }

  /** Messages that arrive after it do not count. */
  die(how: Death): void {
    if (how === "SIGKILL") this.kill();
    else this.say({ type: "die", how });
    this.silence();
  }
}
