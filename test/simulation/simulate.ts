import { Election, type ElectionEvent, type Leadership } from "../../src/index.js";
import { MemoryTable } from "../../src/testing.js";
import { EPOCH_MS, Host } from "./host.js";
import { CALM, Network } from "./network.js";
import { Random } from "./random.js";
import { type Player, Referee, Violation } from "./referee.js";
import { World } from "./world.js";

export interface Run {
  readonly seed: number;
  readonly steps: number;
  readonly elections: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly simulatedMs: number;
  readonly exclusionBroken: number;
  readonly violation: Violation | undefined;
}

export interface Conditions {
  /** Clocks beyond what the protocol allows: exclusion may fail then, fencing may not. */
  readonly broken?: boolean;
  readonly trace?: (line: string) => void;
}

const NAME = "simulated";
const STORM_MS = 600_000;
const MAX_DATE_ERROR_MS = 1_000;

/** Ten minutes of faults and a calm end, decided by one seed: the real code on virtual time. */
export async function simulate(seed: number, { broken = false, trace }: Conditions = {}): Promise<Run> {
  const random = new Random(seed);
  const world = new World();
  const lying = broken && random.chance(0.5);
  const dateErrorMs = () => random.between(-1, 1) * (lying ? 20_000 : MAX_DATE_ERROR_MS / 2);
  const table = new MemoryTable({
    keys: { register: ["id"] },
    serviceTimeMs: () => EPOCH_MS + world.nowMs + dateErrorMs(),
  });
  const referee = new Referee(table, NAME);
  referee.exclusionPromised = !broken;
  let violation: Violation | undefined;
  const guarded = (check: () => void) => {
    try {
      check();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      violation ??= error;
    }
  };
  const say = (line: string) => trace?.(`${(world.nowMs / 1_000).toFixed(3).padStart(9)} s  ${line}`);
  const network = new Network(world, table, random, {
    sent: (host, verb) => guarded(() => referee.sent(host, verb)),
    landed: (_host, verb, request, answer) => guarded(() => referee.landed(verb, request, answer)),
  });

  const leaseDurationMs = random.pick([10_000, 15_000, 30_000]);
  const expiry = random.pick(["service-clock", "service-clock", "observation"] as const);
  const labels = Array.from({ length: random.integer(3, 7) }, (_, i) => `c${i + 1}`);
  const current = new Map<string, Player>();

  const start = (label: string) => {
    const drift = broken ? random.pick([0.5, 1, 2]) : random.between(1 - 1 / 500, 1 + 1 / 500);
    const host = new Host(world, drift, random.between(-1, 1) * 3_600_000);
    const election = new Election({
      store: network.from(host),
      name: NAME,
      label,
      leaseDurationMs,
      expiry,
      drainTimeoutMs: 5_000,
      clock: host,
      random: random.next,
      onEvent: (event: ElectionEvent) => {
        guarded(() => referee.heard(event));
        if (trace && event.type !== "renewed") say(`${event.candidateId} ${tell(event)}`);
      },
    });
    const player: Player = { host, election, leadership: undefined, working: false };
    current.set(label, player);
    referee.players.push(player);
    void live(player, network, random);
  };
  for (const label of labels) start(label);

  const faults: Record<string, () => void> = {
    crash: () => {
      const label = random.pick(labels);
      say(`✗ ${label} is killed`);
      current.get(label)?.host.kill();
      referee.players.splice(0, referee.players.length, ...referee.players.filter(({ host }) => host.alive));
      world.after(random.between(100, 60_000), () => start(label));
    },
    suspend: () => pause("suspended"),
    block: () => pause("blocked"),
    stepWall: () => {
      // Stepped back *and* suspended within one lease, a host is blind on both clocks: not promised.
      const label = random.pick(labels.filter((_, i) => i % 2 === 0));
      const ms = random.pick([-1, 1]) * random.pick([2_000, 60_000, 7_200_000]);
      say(`~ ${label}'s wall clock is stepped by ${ms} ms`);
      current.get(label)?.host.stepWall(ms);
    },
    outage: () => {
      network.outage = true;
      say("✗ the table is away");
      world.after(random.between(500, 40_000), () => {
        network.outage = false;
        say("✓ the table is back");
      });
    },
    evict: () => {
      void table.read(NAME).then(({ lease }) => {
        if (!lease) return;
        say(`! an operator evicts term ${lease.term}`);
        const request = { election: NAME, term: lease.term, at: undefined };
        void table.evict(request).then((answer) => referee.landed("evict", request, answer));
      });
    },
    stepDown: () => {
      void table.read(NAME).then(({ lease }) => {
        if (!lease) return;
        say(`! an operator asks term ${lease.term} to step down`);
        void table.requestStepDown({ election: NAME, term: lease.term, by: "operator" });
      });
    },
    deleteLease: () => {
      // Promised only once the term's history has landed.
      void table.read(NAME).then(({ lease }) => {
        if (!lease || table.terms(NAME).at(-1)?.term !== lease.term) return;
        say("! an operator deletes the lease row");
        table.deleteLease(NAME);
      });
    },
  };
  const pause = (how: "suspended" | "blocked") => {
    const label = random.pick(how === "suspended" ? labels.filter((_, i) => i % 2 === 1) : labels);
    const ms = random.pick([500, 5_000, leaseDurationMs, 2 * leaseDurationMs]) * random.between(0.5, 1.2);
    say(`‖ ${label} is ${how} for ${Math.round(ms)} ms`);
    current.get(label)?.host.pause(how, ms);
  };
  const kinds = Object.keys(faults);
  const fault = () => {
    if (world.nowMs > STORM_MS) return;
    const kind = random.pick(kinds);
    // Rarer, or nothing else would be seen.
    if (kind !== "deleteLease" || random.chance(0.2)) {
      network.count(kind);
      faults[kind]?.();
    }
    world.after(random.between(500, 30_000), fault);
  };
  world.after(random.between(0, 20_000), fault);
  const weather = () => {
    if (world.nowMs > STORM_MS) return;
    const bad = random.chance(0.6);
    const some = () => (random.chance(0.5) ? random.between(0, 0.3) : 0);
    network.weather = bad
      ? { loseRequest: some(), loseAnswer: some(), duplicate: some(), late: some(), fail: some() }
      : CALM;
    world.after(random.between(5_000, 60_000), weather);
  };
  weather();

  const inspect = () => guarded(() => referee.inspect());
  await world.run(STORM_MS, inspect);
  network.weather = CALM;
  // Faults already under way end: pauses, outages, restarts, late requests.
  await world.run(STORM_MS + 70_000, inspect);
  await world.run(world.nowMs + 2 * leaseDurationMs + 2_000, inspect);
  if (!violation && !broken) {
    await referee.expectLeader().catch((error: Violation) => {
      violation = error;
    });
  }
  for (const { host } of referee.players) host.kill();
  return {
    seed,
    steps: world.steps,
    elections: referee.elections,
    faults: network.counted,
    simulatedMs: world.nowMs,
    exclusionBroken: referee.exclusionBroken,
    violation,
  };
}

/** A worker as users write it: works and writes under its fence until it is told to stop, and then a little more. */
async function live(player: Player, network: Network, random: Random): Promise<void> {
  const { host, election } = player;
  const rest = (ms: number) => new Promise<void>((resolve) => host.setTimer(ms, resolve));
  while (host.alive) {
    await election
      .lead(async (leadership: Leadership) => {
        player.leadership = leadership;
        player.working = true;
        const told = new Promise((resolve) =>
          leadership.signal.addEventListener("abort", resolve, { once: true }),
        );
        try {
          const returns = random.chance(0.1) ? random.integer(1, 20) : Number.POSITIVE_INFINITY;
          for (let i = 0; i < returns && !leadership.signal.aborted; i++) {
            await Promise.race([rest(random.between(500, 8_000)), told]);
            const write = {
              Put: {
                TableName: "register",
                Item: { id: "1", term: leadership.term, write: `${leadership.term}/${i}` },
              },
            };
            await leadership.transact([write]).catch(() => network.count("refusedWrite"));
          }
          // Work takes a moment to stop, sometimes longer than its drain.
          await rest(random.pick([0, 50, 1_000, 7_000]));
        } finally {
          player.working = false;
        }
      })
      .catch(() => {});
    await rest(random.between(0, 2_000));
  }
}

function tell(event: ElectionEvent): string {
  switch (event.type) {
    case "elected":
      return `leads term ${event.term}`;
    case "ended":
      return `ends term ${event.term}: ${event.reason}, ${Math.round(event.lateByMs)} ms late`;
    case "resigned":
      return `gave term ${event.term} back: ${event.outcome}`;
    case "refused":
      return `was refused, the row stands at term ${event.term}`;
    case "renewalFailed":
      return `could not renew term ${event.term}, ${Math.round(event.trustLeftMs)} ms of trust left`;
    default:
      return event.type;
  }
}
