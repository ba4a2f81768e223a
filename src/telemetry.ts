import { type MeterProvider, metrics, type Span, trace } from "@opentelemetry/api";
import type { ElectionEvent } from "./events.js";
import { VERSION } from "./version.js";

const SCOPE = ["incumbent", VERSION] as const;

/** Of the whole process, for it may have thousands of elections. */
let shared: { readonly provider: MeterProvider; readonly instruments: Instruments } | undefined;

/**
 * Instruments that were made before the SDK is set up record nothing, and many programs create their `Election` first. So they are
 * made again when there is another SDK.
 */
function instrumentsNow(): Instruments {
  const provider = metrics.getMeterProvider();
  if (shared?.provider !== provider) shared = { provider, instruments: createInstruments() };
  return shared.instruments;
}

/** Metrics and a span per tenure, for the user's OpenTelemetry SDK. Without an SDK they cost nothing. */
export function telemetry(election: string): (event: ElectionEvent) => void {
  const attributes = { "incumbent.election": election };
  let tenure: Span | undefined;
  /** Of the SDK that has counted this leader: another one may be set up while it leads. */
  let leading: Instruments["leading"] | undefined;
  return (event) => {
    const instruments = instrumentsNow();
    switch (event.type) {
      case "elected":
        instruments.elected.add(1, attributes);
        leading = instruments.leading;
        leading.add(1, attributes);
        tenure = trace.getTracer(...SCOPE).startSpan("incumbent.tenure", {
          attributes: {
            ...attributes,
            "incumbent.term": event.term,
            "incumbent.candidate": event.candidateId,
          },
        });
        break;
      case "ended":
        instruments.ended.add(1, { ...attributes, "incumbent.reason": event.reason });
        leading?.add(-1, attributes);
        tenure?.setAttribute("incumbent.reason", event.reason).end();
        break;
      case "renewed":
        instruments.renewal.record(event.tookMs, attributes);
        break;
      case "renewal-failed":
      case "unavailable":
        instruments.failures.add(1, attributes);
        break;
      case "tick-superseded":
        instruments.superseded.add(1, { ...attributes, "incumbent.completed": event.completed });
        break;
      case "stall":
        instruments.stalls.record(event.blockedMs, attributes);
        break;
      case "clock-anomaly":
        instruments.anomalies.add(1, attributes);
        break;
      case "last-will-unavailable":
        instruments.willFailures.add(1, { ...attributes, "incumbent.part": event.part });
        break;
    }
  };
}

type Instruments = ReturnType<typeof createInstruments>;

function createInstruments() {
  const meter = metrics.getMeter(...SCOPE);
  const counter = (name: string, unit: string, description: string) =>
    meter.createCounter(`incumbent.${name}`, { description, unit });
  return {
    elected: counter("elected", "{term}", "Terms that this process won"),
    ended: counter("ended", "{term}", "Terms of this process that ended, by reason"),
    leading: meter.createUpDownCounter("incumbent.leading", {
      description: "1 while this process leads, otherwise 0",
      unit: "{leader}",
    }),
    renewal: meter.createHistogram("incumbent.renewal.duration", {
      description: "Time from the request of a renewal to its confirmation",
      unit: "ms",
    }),
    failures: counter("request.failures", "{request}", "Requests that failed and are tried again"),
    anomalies: counter(
      "clock.anomalies",
      "{anomaly}",
      "Answers of the table that contradict each other about its time",
    ),
    willFailures: counter(
      "last_will.failures",
      "{failure}",
      "Parts of the last will that do not work: without them the lease of a dead process can run out",
    ),
    stalls: meter.createHistogram("incumbent.stall.duration", {
      description: "How long the event loop of a leader with a heartbeat thread did not turn",
      unit: "ms",
    }),
    superseded: counter(
      "ticks.superseded",
      "{tick}",
      "Ticks that did not run because a later one had completed",
    ),
  };
}
