import { parseArgs } from "node:util";
import type { GivenTable } from "./workspace.js";

export const HELP = `npm run verify:aws -- [options]

Checks incumbent's promises on real DynamoDB, in your account: makes one table, uses it for some minutes, deletes it, and
writes a report into reports/. Says what it will do and cost, and asks before it begins. docs/verify-aws.md has the rest.

Credentials and Region come from where the AWS SDK finds them: the environment, ~/.aws, SSO, a role.

  --region NAME             the Region (default: AWS_REGION, or that of the profile)
  --table NAME              use this lease table; only rows of this run are written, and removed at the end
  --strong                  with --table: it may have multi-Region strong consistency
  --yes                     do not ask
  --quick                   do not wait ten minutes for what becomes of a ClientRequestToken
  --candidate-profile NAME  a profile of ~/.aws/config with a candidate's rights, to check what IAM refuses
  --seed N                  the seed of its random choices, to do the same again
  --clean                   delete the tables that runs have left in this Region (with --table: their rows)
  --check FOLDER            read the histories of a report again, and compare the verdicts; sends nothing

Exits with 0 if all that ran passed, 1 if not, 2 if it could not begin.
`;

export interface Arguments {
  readonly region: string | undefined;
  readonly table: GivenTable | undefined;
  readonly yes: boolean;
  readonly quick: boolean;
  readonly candidateProfile: string | undefined;
  readonly seed: number;
  readonly clean: boolean;
  readonly check: string | undefined;
  readonly help: boolean;
}

export class UsageError extends Error {}

const MAX_SEED = 2 ** 31 - 1;

export function parse(args: string[]): Arguments {
  const { values } = parsed(args);
  const { region, table, strong, yes, quick, clean, check, help } = values;
  if (region !== undefined && !/^[a-z]{2,}(-[a-z]+)+-\d+$/.test(region)) {
    throw new UsageError(`--region must be the name of a Region, not "${region}". Suggestion: eu-west-1.`);
  }
  const seed = Number(values.seed ?? Math.floor(Math.random() * MAX_SEED));
  if (values.seed?.trim() === "" || !Number.isInteger(seed) || seed < 0 || seed > MAX_SEED) {
    throw new UsageError(
      `--seed must be a whole number from 0 to ${MAX_SEED}, not "${values.seed}". Suggestion: 1.`,
    );
  }
  if (clean && check !== undefined) {
    throw new UsageError("--clean and --check cannot be given together. Suggestion: --clean.");
  }
  if (table !== undefined && !/^[\w.-]{3,255}$/.test(table)) {
    throw new UsageError(`--table must be a table's name, not "${table}". Suggestion: incumbent.`);
  }
  if (strong && table === undefined) {
    throw new UsageError(
      "--strong needs --table: a run makes tables of one Region only. Suggestion: --table incumbent --strong.",
    );
  }
  return {
    region,
    table: table === undefined ? undefined : { name: table, strong },
    yes,
    quick,
    clean,
    check,
    help,
    seed,
    candidateProfile: values["candidate-profile"],
  };
}

function parsed(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        region: { type: "string" },
        table: { type: "string" },
        strong: { type: "boolean", default: false },
        yes: { type: "boolean", default: false },
        quick: { type: "boolean", default: false },
        "candidate-profile": { type: "string" },
        seed: { type: "string" },
        clean: { type: "boolean", default: false },
        check: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
