/** Exit codes of a show that was ended: 128 + the number of the signal. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Plays until it is over, or somebody ends it. Resolves with the exit code, when nothing of it is left running. */
export async function unlessEnded(play: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const ended = new AbortController();
  let code = 0;
  const handlers = Object.entries(SIGNALS).map(([signal, signalCode]) => {
    const handler = () => {
      // A second time means now. The guard ends the children.
      if (code !== 0) process.exit(signalCode);
      code = signalCode;
      ended.abort(new Error(`ended by ${signal}`));
    };
    process.on(signal, handler);
    return [signal, handler] as const;
  });
  try {
    return await play(ended.signal);
  } catch (error) {
    if (code === 0) throw error;
    process.stderr.write("Ended before its time; nothing is left running.\n");
    return code;
  } finally {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  }
}
