import { BARE_SENDER } from "../bare-sender.js";

/**
 * What runs beside the process: texts, because an application may be one bundled file, so that there is no module to load.
 * They have no backquotes and load nothing but Node's HTTP.
 */

/**
 * `execute(will, deathMs)` resolves when the will is settled, or is not worth another try. A refusal settles it, unless
 * the row still shows the basis: then the acquire of this term may still land. `backoff` waits longer each time.
 */
const EXECUTE = `
const backoff = async (tries, maxMs) => {
  const ms = Math.min(maxMs, 2 ** Math.min(tries, 20));
  await new Promise((resolve) => setTimeout(resolve, ms * (0.5 + Math.random() / 2)));
};

const showsBasis = ({ basis }, row) =>
  basis && row && row.term === String(basis.term) && row.revision === String(basis.revision);

const execute = async (will, deathMs) => {
  const endMs = deathMs + will.worthMs;
  for (let tries = 0; ; tries++) {
    const leftMs = endMs - performance.now();
    if (leftMs <= 0) return;
    try {
      const answer = readAnswer(await send(will.request, Math.min(leftMs, 1000 * 2 ** Math.min(tries, 20))));
      const isOpen = answer.refused ? showsBasis(will, answer.row) : answer.transient;
      if (!isOpen) return;
    } catch {}
    await backoff(tries + 4, 1000);
  }
};
`;

/**
 * The companion: a process that outlives its parent by a moment. It gets lines of JSON: \`{ key, will }\`, where a will
 * that is missing is cleared, or \`{ group }\`. When the pipe ends it waits until the death of its parent is certain,
 * because a pipe can end in other ways, and until nothing runs in the group. No will is sent after \`worthMs\`,
 * and then it ends. It ignores the signals that a terminal or a service manager sends to all processes.
 */
export const COMPANION_PROGRAM = `
${BARE_SENDER}${EXECUTE}
process.title = "incumbent-last-will";
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});
const parent = Number(process.argv.at(-1));
const wills = new Map();
let group;
let rest = "";

const follow = ({ key, will, group: newGroup }) => {
  if (key === undefined) {
    group = newGroup;
  } else if (will) {
    load(will.request);
    wills.set(key, will);
  } else {
    wills.delete(key);
  }
};

const isRunning = () => {
  if (group === undefined || group === "starting") return group !== undefined;
  try {
    return process.kill(-group, 0);
  } catch (error) {
    return error.code !== "ESRCH";
  }
};

const end = async () => {
  const all = [...wills.values()];
  if (all.length === 0) process.exit();
  const deathMs = performance.now();
  setTimeout(() => process.exit(), Math.max(...all.map(({ worthMs }) => worthMs)));
  for (let tries = 0; process.ppid === parent || isRunning(); tries++) await backoff(tries, 50);
  await Promise.all(all.map((will) => execute(will, deathMs)));
  process.exit();
};

process.stdin.setEncoding("utf8").on("data", (text) => {
  const lines = (rest + text).split("\\n");
  rest = lines.pop();
  for (const line of lines) follow(JSON.parse(line));
}).on("error", () => {}).on("close", end);
`;

/** The worker thread of the exit hook. It says when it runs (1), and when all wills are settled (2). */
export const EXIT_PROGRAM = `
${BARE_SENDER}${EXECUTE}
const { parentPort, workerData: progress } = require("node:worker_threads");
const say = (what) => {
  Atomics.store(progress, 0, what);
  Atomics.notify(progress, 0);
};
load({ protocol: "https:" });
parentPort.on("message", async (wills) => {
  await Promise.all(wills.map((will) => execute(will, performance.now())));
  say(2);
});
say(1);
`;
