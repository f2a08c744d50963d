import { expect, test } from "vitest";
import type { RepositoryView, Status } from "./api-client.ts";
import { renderVerification } from "./commands/audit.ts";
import { renderPreview } from "./commands/preview.ts";
import { renderPublication } from "./commands/publish.ts";
import { renderStatus } from "./commands/status.ts";
import { plain } from "./terminal.ts";
import { createTestIo } from "./testing/test-io.ts";

const progress = { seen: 70, selected: 60, pending: 0, running: 0, noChange: 9, patches: 50, failed: 1, cancelled: 0 };
const run: NonNullable<Status["run"]> = {
  campaign: "x",
  number: 3,
  specVersion: 2,
  requestedBy: "ada",
  requestedAt: "2026-03-04T05:06:07Z",
  selectionComplete: true,
  finished: true,
  progress,
};

function aStatus(given: Partial<Status> & { readonly state?: Status["campaign"]["status"] } = {}): Status {
  const { state = "active", ...rest } = given;
  const campaign = { name: "x", status: state, currentVersion: 2, createdAt: "2026-03-04T05:06:07Z" } as const;
  return { campaign, standings: {}, deadTasks: [], ...rest };
}

function aRepository(name: string, standing: RepositoryView["standing"], because: string): RepositoryView {
  return { fullName: `acme/${name}`, standing, because };
}

test("a preview ends with counts, each failure with its reason, what was given up, and what comes next", () => {
  const deadTasks = [{ type: "execution.requested", subject: "x-1", because: "no sandbox here" }];
  const failed = [aRepository("a", "execution-failed", "step 1 timed out\nafter 30s")];
  expect(renderPreview({ ...aStatus({ deadTasks }), run }, failed, plain)).toBe(
    [
      "Run 3 of x (spec version 2) looked at 70 repositories:",
      "  50 with a patch, 9 without a change, 1 failed, 10 excluded",
      "Failed:",
      "  acme/a: step 1 timed out after 30s",
      "Given up:",
      "  execution.requested x-1: no sandbox here",
      "Next: octobatch diff x, then octobatch publish x",
      "",
    ].join("\n"),
  );
});

test("a preview without a patch says where to look instead of what to publish", () => {
  const nothing = { ...run, progress: { ...progress, patches: 0, cancelled: 2 } };
  const text = renderPreview({ ...aStatus(), run: nothing }, [], plain);
  expect(text).toContain("10 excluded, 2 cancelled\nSee why: octobatch status x --all\n");
});

test("publishing groups those that wait by what they wait for", () => {
  const waiting = [
    aRepository("a", "ready", "GitHub asked us to slow down"),
    aRepository("b", "ready", "the daily cap of acme is reached"),
    aRepository("c", "ready", "the daily cap of acme is reached"),
  ];
  const people = [aRepository("d", "needs-human", "ada pushed to the branch")];
  const status = aStatus({ standings: { open: 7, ready: 3, "needs-human": 1 } });
  expect(renderPublication({ status, waiting }, [], people, plain)).toBe(
    [
      "x: 7 open, 3 ready, 1 needs-human",
      "Waiting; it goes on by itself:",
      "  2: the daily cap of acme is reached",
      "  1: GitHub asked us to slow down",
      "Left to people:",
      "  acme/d: ada pushed to the branch",
      "See each: octobatch status x",
      "",
    ].join("\n"),
  );
});

test("publishing that was paused says how it goes on", () => {
  const settled = { status: aStatus({ state: "paused" }), waiting: [aRepository("a", "ready", "it belongs to acme")] };
  const text = renderPublication(settled, [], [], plain);
  expect(text).toContain(
    "The campaign is paused; let it go on: octobatch resume x\nWaiting:\n  1: it belongs to acme\n",
  );
});

test("a status fits the terminal, and elsewhere keeps every word", () => {
  const because = "its default branch is protected by a rule that lets only the release team push to it";
  const shown = [aRepository("a", "failed", because)];
  const status = aStatus({ run, standings: { failed: 1 } });
  const render = (terminal: boolean) =>
    renderStatus(status, shown, { standing: undefined, paint: plain, io: createTestIo({ terminal, columns: 60 }) });
  expect(
    Math.max(
      ...render(true)
        .split("\n")
        .slice(3)
        .map(({ length }) => length),
    ),
  ).toBeLessThanOrEqual(60);
  expect(render(false)).toContain(because);
});

test("a status says when the newest run is not one of the current spec", () => {
  const status = aStatus({ run: { ...run, specVersion: 1 } });
  const text = renderStatus(status, [], { standing: undefined, paint: plain, io: createTestIo() });
  expect(text).toContain("Run 3 of spec version 1, which is not the current one, is finished");
});

test("a status without a run says what to do", () => {
  const text = renderStatus(aStatus(), [], { standing: undefined, paint: plain, io: createTestIo() });
  expect(text).toBe("x is active, spec version 2\nNot previewed yet: octobatch preview x\n");
});

test("a broken audit log says where and why", () => {
  const verification = { intact: false, entries: 6, brokenAt: 7, because: "its hash is not that of its contents" };
  expect(renderVerification(verification, plain)).toBe(
    "The audit log is broken at entry 7: its hash is not that of its contents\n",
  );
});
