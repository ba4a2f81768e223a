interface HasMiddleware {
  middlewareStack: { add(middleware: never, options: { step: "deserialize"; priority: "low" }): void };
}

/** Reads the `Date` header off a command's response, refusals included, by that command's own middleware. */
export class DateHeader {
  ms: number | undefined;

  from<C extends HasMiddleware>(command: C): C {
    const middleware = (next: (args: object) => Promise<{ response: unknown }>) => async (args: object) => {
      const result = await next(args);
      const headers = (result.response as { headers?: Record<string, string> }).headers ?? {};
      const ms = Date.parse(headers.date ?? "");
      this.ms = Number.isNaN(ms) ? undefined : ms;
      return result;
    };
    // Innermost, so that it sees the answer before a refusal is thrown.
    command.middlewareStack.add(middleware as never, { step: "deserialize", priority: "low" });
    return command;
  }
}
