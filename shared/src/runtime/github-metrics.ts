import { metrics } from "@opentelemetry/api";
import type { GitHubRequestRecord } from "#shared/adapters/github/request-record.ts";

/** Counts requests to GitHub wherever OpenTelemetry's meters lead by now; nowhere when nobody has set them up. */
export function createGitHubMetrics(): (record: GitHubRequestRecord) => void {
  const meter = metrics.getMeter("octobatch");
  const requests = meter.createCounter("octobatch.github.requests", {
    description: "Requests to GitHub, by endpoint and outcome.",
    unit: "{request}",
  });
  const durations = meter.createHistogram("octobatch.github.request.duration", {
    description: "How long GitHub took to answer.",
    unit: "ms",
  });
  const remaining = meter.createGauge("octobatch.github.budget.remaining", {
    description: "What is left of an installation's primary budget, as GitHub last told.",
    unit: "{point}",
  });
  return ({ operation, outcome, durationMs, installation, budget }) => {
    const attributes = { "octobatch.github.operation": operation, "octobatch.github.outcome": outcome };
    requests.add(1, attributes);
    durations.record(durationMs, attributes);
    if (budget === undefined) return;
    const whose = { "octobatch.github.installation": installation, "octobatch.github.resource": budget.resource };
    remaining.record(budget.remaining, whose);
  };
}
