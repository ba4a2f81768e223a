import { defineCommand } from "citty";
import { checkTableName } from "../arguments.js";
import { Election } from "../index.js";
import { DEFAULT_TABLE_NAME } from "../store/schema.js";
import { newClient, tableArgs } from "./client.js";
import { showOne } from "./status/one-election.js";
import { showSessions } from "./status/sessions.js";
import { watch } from "./status/watch.js";
import { showAll } from "./status/whole-table.js";
import { refuseMissingValue, refuseUnknown, UsageError } from "./usage.js";

const args = {
  election: {
    type: "positional",
    description: "One election. (Default: all elections of the table)",
    required: false,
  },
  ...tableArgs,
  json: { type: "boolean", description: "Print JSON." },
  watch: {
    type: "boolean",
    description: "Keep running, and print a line each time the leader of the election changes.",
  },
  sessions: {
    type: "boolean",
    description: "Show the sessions of the table, and how many leases are held under each.",
  },
} as const;

export const status = defineCommand({
  meta: {
    name: "status",
    description: "Shows who leads: one election with its candidates and recent terms, or all elections.",
  },
  args,
  async run({ args: given, rawArgs }) {
    refuseUnknown(rawArgs, args);
    refuseMissingValue(rawArgs, args);
    checkTableName("tableName", given.table, DEFAULT_TABLE_NAME);
    const client = newClient(given.endpoint);
    const name = given.election;
    if (given._.length > 1)
      throw new UsageError("status: takes one election, or none to show all elections.");
    if (given.sessions && (given.watch || name !== undefined)) {
      throw new UsageError(
        "status: --sessions shows all sessions of the table, without an election or --watch.",
      );
    }
    if (given.sessions) return showSessions(client, given.table, given.json === true);
    if (given.watch && name === undefined) {
      throw new UsageError("status: --watch needs an election: incumbent status billing/nightly --watch");
    }
    if (name === undefined) return showAll(client, given.table, given.json === true);
    if (given.watch)
      return watch(new Election({ client, tableName: given.table, name }), given.json === true);
    await showOne(client, given.table, name, given.json === true);
  },
});
