/** Leads many elections under one session, and says what becomes of them. SIGTERM closes the session. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Election, type Leadership, Session, type SessionOptions } from "../../src/index.js";
import { say } from "./program.js";

const [tableName = "", prefix = "", count = "1", options = "{}"] = process.argv.slice(2);

const session = new Session({
  client: new DynamoDBClient({}),
  tableName,
  ...(JSON.parse(options) as Partial<SessionOptions>),
} as SessionOptions);
const elections = Array.from(
  { length: Number(count) },
  (_, i) => new Election({ session, name: `${prefix}/${i}` }),
);

const leaderships: Leadership[] = [];
const lives = elections.map((election) =>
  election.lead(async (leadership) => {
    leaderships.push(leadership);
    if (leaderships.length === elections.length) say({ leads: session.id });
    await new Promise<void>((resolve) => {
      leadership.signal.addEventListener("abort", () => resolve(), { once: true });
    });
    say({ ended: leadership.signal.reason.reason });
  }),
);
void Promise.all(lives).then(() => say({ over: true }));

process.once("SIGTERM", () => void session.close().then((closed) => say({ closed })));
// A frozen process that wakes up: what each leadership says in the first step, before any timer or answer.
let beforeMs = Date.now();
const watch = setInterval(() => {
  const lateMs = Date.now() - beforeMs;
  beforeMs = Date.now();
  if (lateMs < 2_000) return;
  const trusted = leaderships.filter((leadership) => {
    try {
      leadership.throwIfLost();
      return true;
    } catch {
      return false;
    }
  });
  say({ trusted: trusted.length, lateMs });
}, 50);
watch.unref();
