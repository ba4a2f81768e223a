import type { Refusal } from "./misconfigured.js";
import type { RateStory } from "./rate.js";
import type { Death } from "./succession.js";

export interface Report {
  readonly asset: {
    readonly bytes: number;
    readonly limitBytes: number;
    readonly contents: ReadonlyMap<string, number>;
  };
  readonly importMs: { readonly asset: number; readonly sdk: number };
  readonly initMs: number;
  readonly ticks: number;
  readonly kinds: Readonly<Record<string, number>>;
  readonly invocations: number;
  readonly coldStarts: number;
  readonly warmStarts: number;
  readonly freezes: number;
  readonly lateDeliveries: number;
  /** Invocations that failed because another one still ran their tick at the end of their wait. */
  readonly misses: number;
  readonly moves: number;
  /** Ticks in which this machine stood still for longer than a lease. */
  readonly stalls: number;
  readonly deaths: readonly Death[];
  readonly rate: RateStory;
  readonly refusals: readonly Refusal[];
  readonly violations: readonly string[];
  readonly tookMs: number;
}

export function toJson(report: Report): string {
  const { asset } = report;
  return JSON.stringify({ ...report, asset: { ...asset, contents: Object.fromEntries(asset.contents) } });
}

export function inWords(report: Report): string {
  const { asset, importMs, deaths, rate, refusals, violations } = report;
  const lines: Array<[string, string]> = [
    ["asset", `${kb(asset.bytes)} of at most ${kb(asset.limitBytes)}, without the AWS SDK's clients`],
    ["  bundled", [...asset.contents].map(([name, bytes]) => `${name} ${kb(bytes)}`).join(", ")],
    ["cold import", `${ms(importMs.asset)}; the SDK's DynamoDB client alone ${ms(importMs.sdk)}`],
    ["cold start", `${ms(report.initMs)} to the first event (median, runtime client included)`],
    ["ticks", `${report.ticks}: ${counts(report.kinds)}`],
    [
      "invocations",
      `${report.invocations}: ${report.coldStarts} cold, ${report.warmStarts} warm, ${report.freezes} freezes, ` +
        `${report.lateDeliveries} late, ${report.misses} that said that nobody had completed their tick`,
    ],
    [
      "moves",
      `${report.moves} between Regions, each after the Region that kept the job had failed; ${report.stalls} stalls of this machine`,
    ],
    ...deaths.map(({ died, heir, heldForMs, gapMs }): [string, string] => [
      "Region dies",
      `${died} → ${heir}: reserved for ${ms(heldForMs)}, taken over ${ms(gapMs - heldForMs)} later, by the first invocation`,
    ]),
    [
      "rate",
      `${rate.runs} runs in ${rate.periods} periods, delivered ${rate.deliveries} times by Regions at other times of the period`,
    ],
    [
      "bad input",
      `${refusals.filter(({ isClear }) => isClear).length} of ${refusals.length} fail and say why`,
    ],
    ["took", `${Math.round(report.tookMs / 1_000)} s`],
    ...violations.map((violation): [string, string] => ["VIOLATION", violation]),
    [
      "verdict",
      violations.length === 0 ? "every tick completed exactly once" : `${violations.length} violations`,
    ],
  ];
  return lines.map(([name, text]) => `${name.padEnd(13)} ${text}`).join("\n");
}

function kb(bytes: number): string {
  return `${(bytes / 1_000).toFixed(1)} kB`;
}

function ms(value: number): string {
  return `${Math.round(value).toLocaleString("en")} ms`;
}

function counts(kinds: Readonly<Record<string, number>>): string {
  return Object.entries(kinds)
    .map(([kind, count]) => `${count} ${kind}`)
    .join(", ");
}
