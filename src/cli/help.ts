import { stripVTControlCharacters } from "node:util";
import { type CommandDef, renderUsage } from "citty";

/** Prints a command's help. Colours go to terminals only: in a pipe or a file they are noise. */
export async function printHelp(command: CommandDef, parent?: CommandDef, notes = ""): Promise<void> {
  const usage = `${await renderUsage(command, parent)}\n\n${notes}`.trimEnd();
  const isPlain = !process.stdout.isTTY || Boolean(process.env.NO_COLOR);
  console.log(isPlain ? stripVTControlCharacters(usage) : usage);
}
