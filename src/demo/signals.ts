/** The exit codes of a demo that a signal ended: 128 + the signal's number. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Plays until the end, or until a signal. Resolves with the exit code when all processes have ended. */
export async function unlessEnded(play: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const ended = new AbortController();
  let code = 0;
  const handlers = Object.entries(SIGNALS).map(([signal, signalCode]) => {
    const handler = () => {
      // A second signal ends this process at once. The guard then ends the children.
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
