import { metrics, trace } from "@opentelemetry/api";
import type { ElectionEvent } from "./events.js";

/** Metrics and a span per tenure, for the user's OpenTelemetry SDK. Without an SDK they cost nothing. */
export function telemetry(election: string): (event: ElectionEvent) => void {
  const meter = metrics.getMeter("incumbent");
  const tracer = trace.getTracer("incumbent");
  const elected = meter.createCounter("incumbent.elected", { description: "Terms won" });
  const ended = meter.createCounter("incumbent.ended", { description: "Terms ended, by reason" });
  const failures = meter.createCounter("incumbent.request.failures", { description: "Requests tried again" });
  const anomalies = meter.createCounter("incumbent.clock.anomalies", {
    description: "Contradicting Date headers",
  });
  const superseded = meter.createCounter("incumbent.ticks.superseded", {
    description: "Ticks not run, because a later one had completed",
  });
  const renewal = meter.createHistogram("incumbent.renewal.duration", { unit: "ms" });
  const leading = meter.createUpDownCounter("incumbent.leading", {
    description: "1 while this process leads",
  });
  const attributes = { "incumbent.election": election };
  let tenure: ReturnType<typeof tracer.startSpan> | undefined;
  return (event) => {
    switch (event.type) {
      case "elected":
        elected.add(1, attributes);
        leading.add(1, attributes);
        tenure = tracer.startSpan("incumbent.tenure", {
          attributes: {
            ...attributes,
            "incumbent.term": event.term,
            "incumbent.candidate": event.candidateId,
          },
        });
        break;
      case "ended":
        ended.add(1, { ...attributes, "incumbent.reason": event.reason });
        leading.add(-1, attributes);
        tenure?.setAttribute("incumbent.reason", event.reason).end();
        break;
      case "renewed":
        renewal.record(event.tookMs, attributes);
        break;
      case "renewal-failed":
      case "unavailable":
        failures.add(1, attributes);
        break;
      case "tick-superseded":
        superseded.add(1, { ...attributes, "incumbent.completed": event.completed });
        break;
      case "clock-anomaly":
        anomalies.add(1, attributes);
        break;
    }
  };
}
