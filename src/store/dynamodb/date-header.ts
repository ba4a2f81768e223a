interface HasMiddleware {
  middlewareStack: { add(middleware: never, options: { step: "deserialize"; priority: "low" }): void };
}

/** DynamoDB is younger than the first, and this code will not be used after the second. Other headers count as none. */
const EARLIEST_MS = Date.UTC(2012, 0, 1);
const LATEST_MS = Date.UTC(2200, 0, 1);

/** Reads the `Date` header off a command's response, refusals included, by that command's own middleware. */
export class DateHeader {
  ms: number | undefined;

  from<C extends HasMiddleware>(command: C): C {
    const middleware = (next: (args: object) => Promise<{ response: unknown }>) => async (args: object) => {
      const result = await next(args);
      const headers = (result.response as { headers?: Record<string, string> }).headers ?? {};
      const ms = Date.parse(headers.date ?? "");
      this.ms = ms >= EARLIEST_MS && ms <= LATEST_MS ? ms : undefined;
      return result;
    };
    // The innermost middleware gets the answer before a refusal is thrown.
    command.middlewareStack.add(middleware as never, { step: "deserialize", priority: "low" });
    return command;
  }
}
