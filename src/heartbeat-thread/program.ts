import { BARE_SENDER } from "../bare-sender.js";

/**
 * What the thread runs. It is a text, because an application may be one bundled file (CommonJS, without backquotes). It
 * has neither the SDK nor credentials: it can send what was signed, and no more.
 *
 * `times[0]`: when the event loop of the main thread last turned, in nanoseconds of `process.hrtime`, which all threads
 * of a process share. `times[1]`: how many reports were posted.
 */
export const THREAD_PROGRAM = `"use strict";
const { workerData: { port, times }, receiveMessageOnPort } = require("node:worker_threads");
${BARE_SENDER}
const lanes = new Map();
const nowMs = () => Number(process.hrtime.bigint()) / 1e6;
const readClocks = () => ({ monotonicMs: nowMs(), wallMs: Date.now() });
const turnedMs = () => Number(Atomics.load(times, 0)) / 1e6;

const obey = ({ id, open, plan, untilMs, close }) => {
  if (open) lanes.set(id, { ...open, standIns: [], untilMs: Infinity, sentSlot: -1, againMs: 0 });
  const lane = lanes.get(id);
  if (!lane) return;
  if (plan) {
    Object.assign(lane, plan);
    if (plan.standIns.length > 0) load(plan.standIns[0].request);
  }
  if (untilMs !== undefined) lane.untilMs = untilMs;
  if (close) {
    clearTimeout(lane.timer);
    lanes.delete(id);
    return;
  }
  wait(lane);
};

const obeyAll = () => {
  for (let next; (next = receiveMessageOnPort(port)); ) obey(next.message);
};

// The stand-in that is due next. Of those whose moment has passed only the latest is of use. Of a slot only one version
// is ever sent.
const nextOf = (lane) => {
  const { standIns, sentSlot, sending } = lane;
  while (standIns.length > 0 && standIns[0].slot <= sentSlot && standIns[0].id !== lane.sentId) standIns.shift();
  while (standIns.length > 1 && standIns[1].planned.monotonicMs <= nowMs()) standIns.shift();
  return sending ? undefined : standIns[0];
};

const dueMs = (lane, standIn) =>
  Math.max(standIn.planned.monotonicMs, turnedMs() + lane.graceMs, lane.againMs);

const wait = (lane) => {
  clearTimeout(lane.timer);
  const standIn = nextOf(lane);
  if (standIn) lane.timer = setTimeout(act, Math.max(0, dueMs(lane, standIn) - nowMs()), lane);
};

const isTrusted = ({ trustedFrom, trustMs }) => {
  const now = readClocks();
  return Math.max(now.monotonicMs - trustedFrom.monotonicMs, now.wallMs - trustedFrom.wallMs) < trustMs;
};

const act = (lane) => {
  obeyAll();
  const standIn = nextOf(lane);
  if (lanes.get(lane.id) !== lane || !standIn) return;
  const now = nowMs();
  if (now < dueMs(lane, standIn)) return wait(lane);
  if (now <= lane.untilMs && isTrusted(lane)) sendNow(lane, standIn);
};

const sendNow = async (lane, standIn) => {
  lane.sending = true;
  lane.sentSlot = standIn.slot;
  lane.sentId = standIn.id;
  standIn.sent = standIn.sent || readClocks();
  const answer = await send(standIn.request, lane.timeoutMs).catch((error) => ({
    status: 0,
    body: JSON.stringify({ __type: error.code || error.name, message: error.message }),
  }));
  const received = readClocks();
  port.postMessage({ id: lane.id, standIn: standIn.id, sent: standIn.sent, received, answer });
  Atomics.add(times, 1, 1n);
  lane.sending = false;
  const { done, refused, row } = readAnswer(answer);
  const isMine = row && row.holder === lane.candidateId && row.term === String(lane.term);
  const isConfirmed = done || (refused && isMine && row.revision === String(standIn.revision));
  if (isConfirmed && isTrusted(lane)) {
    lane.trustedFrom = {
      monotonicMs: Math.min(standIn.planned.monotonicMs, standIn.sent.monotonicMs),
      wallMs: Math.min(standIn.planned.wallMs, standIn.sent.wallMs),
    };
  }
  if (done || refused) lane.standIns = lane.standIns.filter(({ slot }) => slot > standIn.slot);
  // Another candidate holds it, or nobody.
  if (refused && !isMine) lane.standIns = [];
  if (!done && !refused) lane.againMs = nowMs() + lane.graceMs;
  wait(lane);
};

port.on("message", obey);
`;
