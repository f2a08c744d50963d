import { beforeAll, describe, expect, test, vi } from "vitest";
import { parts, runCampaign, type Run } from "./disturbed-campaign.ts";
import { lagCases, places, webhookCases, type RequestFault } from "./fault-cases.ts";

/** For a machine that is busy with other tests. */
vi.setConfig({ testTimeout: 180_000 });

/** As often as there is something to hit. */
const always = Number.MAX_SAFE_INTEGER;

let undisturbed: Run;

beforeAll(async () => {
  undisturbed = await runCampaign(() => {});
});

/** By name, which is how a test that fails tells what went wrong. */
function named<Case extends { readonly name: string }>(cases: readonly Case[]): readonly (readonly [string, Case])[] {
  return cases.map((each) => [each.name, each]);
}

test("an undisturbed campaign publishes, updates, and sees what people do", () => {
  const { outcome, operations, deliveries } = undisturbed;
  expect(outcome.pullRequests.map(({ state }) => state)).toEqual(["open", "closed", "merged"]);
  expect(outcome.changesets.map(({ status }) => status)).toEqual(["open", "closed", "merged"]);
  expect(outcome).toMatchObject({ auditLog: "intact", dead: [] });
  expect(operations.publish.map(({ operation }) => operation)).toContain("MoveBranch");
  expect(operations.update.map(({ operation }) => operation)).toContain(
    "PATCH /repos/{owner}/{repo}/pulls/{pull_number}",
  );
  expect(operations.merge.map(({ operation }) => operation)).toContain("GET /repos/{owner}/{repo}/pulls/{pull_number}");
  expect([...deliveries]).toEqual(["OK"]);
});

describe.each(places)("a campaign ends as an undisturbed one when $place", ({ faults, skip, times }) => {
  test.each(named<RequestFault>(faults))("%s", async (_name, { at, requestTimeoutMs }) => {
    const planned = new Set<string>();
    const run = await runCampaign(({ github }, part) => {
      for (const operation of undisturbed.operations[part]) {
        const fault = at(operation);
        if (fault === undefined) continue;
        github.faults.add({ ...fault, skip, times });
        planned.add(`${part}: ${operation.operation}`);
      }
    }, requestTimeoutMs);
    const { hits, outcome } = run;
    expect({ hits, ...outcome }).toEqual({ hits, ...undisturbed.outcome });
    const hit = new Set(hits.map(({ part, operation }) => `${part}: ${operation}`));
    expect(hit.size).toBeGreaterThan(0);
    // Each kind of request that was made often enough was hit.
    const within = asked(run, skip + 1).filter((each) => planned.has(each));
    expect([...hit].toSorted()).toEqual(within);
  });
});

/** Every kind of request that the run has made so many times in a part. */
function asked({ operations }: Run, times: number): readonly string[] {
  return parts
    .flatMap((part) => operations[part].map((each) => ({ part, ...each })))
    .filter(({ count }) => count >= times)
    .map(({ part, operation }) => `${part}: ${operation}`)
    .toSorted();
}

describe("a campaign ends as an undisturbed one with", () => {
  test.each(named(lagCases))("%s", async (_name, { lag, lost }) => {
    const run = await runCampaign(({ github }) => {
      github.lags.add({ ...lag, times: always });
      if (lost !== undefined) github.faults.add({ ...lost, times: 2 });
    });
    expect(run.staleReads).toBeGreaterThan(0);
    expect(run.outcome).toEqual(undisturbed.outcome);
  });

  test.each(named(webhookCases))("webhooks that are %s", async (_name, { fault, recorded }) => {
    const run = await runCampaign(({ github }) => github.webhookFaults.add({ ...fault, times: always }));
    expect([...run.deliveries]).toEqual(recorded === undefined ? [] : [recorded]);
    expect(run.outcome).toEqual(undisturbed.outcome);
  });
});
