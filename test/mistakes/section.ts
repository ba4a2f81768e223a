/** What new users do wrong, a page of it. docs/errors.md has what each mistake says. */
export interface Section {
  readonly title: string;
  /** What the user does, and the same as code: it throws, rejects, or returns what is printed. */
  readonly mistakes: Readonly<Record<string, () => unknown>>;
}

/** The whole message, as Node prints it. */
export async function saidBy(mistake: () => unknown): Promise<string> {
  try {
    const printed = await mistake();
    return steady(typeof printed === "string" ? printed : "nothing is said");
  } catch (error) {
    return steady(String(error));
  }
}

/** Without what differs from run to run. */
function steady(text: string): string {
  return text
    .trim()
    .replace(/request id [\w-]+/g, "request id …")
    .replace(/"\d{4}-\d\d-\d\dT[\d:]+\.\d{3}Z"/g, '"…"');
}
