import { userInfo } from "node:os";
import { defineCommand } from "citty";
import { describe } from "../describe.js";
import { type Asked, Election, Operator } from "../index.js";
import { newClient, tableArgs } from "./client.js";
import { refused, refuseMissingValue, refuseUnknown, UsageError } from "./usage.js";

const args = {
  election: { type: "positional", description: "The election.", required: false },
  what: {
    type: "positional",
    description: "What to do: step-down, evict, pause, resume or reset-tick.",
    required: false,
  },
  to: {
    type: "string",
    valueHint: "candidate|tick",
    description:
      "With step-down: the candidate that should lead next, by its id or label (see `incumbent status`). " +
      "With reset-tick: the tick that counts as the last completed one. (Default: none, so each tick can run again)",
  },
  by: {
    type: "string",
    valueHint: "name",
    description: "Your name, which is written on the lease row. (Default: your user name)",
  },
  ...tableArgs,
  json: { type: "boolean", description: "Print JSON." },
} as const;

const VERBS = ["step-down", "evict", "pause", "resume", "reset-tick"] as const;
type Verb = (typeof VERBS)[number];

export const operate = defineCommand({
  meta: {
    name: "operate",
    description:
      "Asks the leader of an election to hand over, takes its lease away, pauses or resumes the election, or resets ticks.",
  },
  args,
  async run({ args: given, rawArgs }) {
    refuseUnknown(rawArgs, args);
    refuseMissingValue(rawArgs, args);
    const { election: name, what, to } = given;
    if (name === undefined || !isVerb(what) || given._.length > 2) {
      const rule = `takes an election and one of ${VERBS.join(", ")}`;
      throw refused("operate", rule, what, "incumbent operate billing/nightly step-down");
    }
    if (to !== undefined && what !== "step-down" && what !== "reset-tick")
      throw new UsageError("--to: goes with step-down and reset-tick only; leave it out.");
    const client = newClient(given.endpoint);
    const where = { client, tableName: given.table, name };
    const operator = new Operator({ ...where, by: given.by ?? userInfo().username });
    if (what === "reset-tick") return resetTick(name, operator, to, given.json === true);
    const successor = to === undefined ? undefined : await candidateOf(new Election(where), to);
    const asked = await ask(operator, what, successor);
    console.log(given.json ? JSON.stringify(asked) : inWords(name, what, asked, successor));
    if (!asked.done) process.exitCode = 1;
  },
});

function isVerb(what: string | undefined): what is Verb {
  return VERBS.includes(what as Verb);
}

async function resetTick(
  name: string,
  operator: Operator,
  tick: string | undefined,
  json: boolean,
): Promise<void> {
  const reset = await operator.resetTick(tick === undefined ? {} : { to: tick });
  const { done, from, to } = reset;
  const [last, it] =
    from === undefined
      ? [`"${name}" had no completed tick.`, "Its last tick"]
      : [`The last tick of "${name}" was ${from}.`, "It"];
  const next =
    to === undefined ? "No tick counts as completed, so each one runs again." : `${it} is ${to} now.`;
  const failure =
    `Your reset is not on the lease row of "${name}": it was never led, or somebody changed the row meanwhile. ` +
    `Look at it with incumbent status ${name}, and try again if its last tick is wrong.`;
  if (json) console.log(JSON.stringify(reset));
  else console.log(done ? `${last} ${next}` : failure);
  if (!done) process.exitCode = 1;
}

function ask(operator: Operator, what: Exclude<Verb, "reset-tick">, to: string | undefined): Promise<Asked> {
  switch (what) {
    case "step-down":
      return operator.requestStepDown({ to });
    case "evict":
      return operator.evict();
    case "pause":
      return operator.pause();
    case "resume":
      return operator.resume();
  }
}

/** A hand-over to an unknown candidate would end in a gap. */
async function candidateOf(election: Election, to: string): Promise<string> {
  const candidates = await election.candidates();
  const [found, another] = candidates.filter(({ candidateId, label }) => candidateId === to || label === to);
  if (found && !another) return found.candidateId;
  const ids =
    candidates.map(({ candidateId }) => candidateId).join(", ") ||
    "none (does the election have an order of succession?)";
  const problem = another ? "is the label of several candidates" : "is no candidate's id or label";
  throw new UsageError(`--to: ${describe(to)} that ${problem}; there are: ${ids}.`);
}

function inWords(
  name: string,
  what: Exclude<Verb, "reset-tick">,
  { done, leader }: Asked,
  to: string | undefined,
): string {
  const whom = leader ? `${leader.candidateId} (term ${leader.term})` : "nobody";
  if (what === "pause")
    return done
      ? `"${name}" is paused. Its leader was ${whom}.`
      : `"${name}" is not paused: somebody resumed it meanwhile.`;
  if (what === "resume")
    return done
      ? `"${name}" is resumed.`
      : `"${name}" was not resumed: there is no such election, or somebody paused it meanwhile.`;
  if (!leader) return `Nobody leads "${name}".`;
  if (!done) return `${whom} no longer leads "${name}". Nothing was done.`;
  if (what === "evict") return `${whom} is evicted. The fence refuses its term from now on.`;
  return `${whom} is asked to hand over${to === undefined ? "" : ` to ${to}`}; it reads this with its next renewal.`;
}
