import { expect, test } from "vitest";
import type { RepositoryView, Status } from "./api-client.ts";
import { silent } from "./progress.ts";
import { createTestIo } from "./testing/test-io.ts";
import { waitForPublication } from "./wait-for-publication.ts";

const capped = "the daily cap of acme is reached: 2 pull requests on 2026-03-04";
const selected = new Set(["it belongs to acme"]);

/** Follows a campaign that goes through these standings, one a look; the last stays. */
async function follow(
  standings: readonly Status["standings"][],
  options: { readonly because?: string; readonly status?: "active" | "paused"; readonly timeoutMs?: number } = {},
) {
  const io = createTestIo();
  let look = 0;
  const ready: RepositoryView = { fullName: "acme/a", standing: "ready", because: options.because ?? capped };
  const settled = await waitForPublication(
    { io, progress: silent },
    {
      status: () => {
        const now = standings[Math.min(look, standings.length - 1)] ?? {};
        look += 1;
        const campaign = {
          name: "x",
          status: options.status ?? "active",
          currentVersion: 1,
          createdAt: "2026-03-04T05:06:07Z",
        } as const;
        return Promise.resolve({ campaign, standings: now, deadTasks: [] });
      },
      async *repositories(_campaign, standing) {
        if (standing === "ready") yield ready;
      },
    },
    "x",
    selected,
    options.timeoutMs,
  );
  return { ...settled, look, waitedMs: io.slept.reduce((sum, ms) => sum + ms, 0) };
}

test("ends as soon as nothing is on its way", async () => {
  const { waiting, look, status } = await follow([{ ready: 2 }, { publishing: 2 }, { open: 2 }]);
  expect(waiting).toEqual([]);
  expect(look).toBe(3);
  expect(status.standings).toEqual({ open: 2 });
});

test("ends a few seconds after the last move when the rest says what it waits for", async () => {
  const { waiting, waitedMs } = await follow([{ ready: 3 }, { ready: 1, open: 2 }]);
  expect(waiting.map(({ because }) => because)).toEqual([capped]);
  expect(waitedMs).toBeGreaterThan(3000);
  expect(waitedMs).toBeLessThan(6000);
});

test("is patient with those that nobody has tried yet", async () => {
  const { waitedMs } = await follow([{ ready: 1 }], { because: "it belongs to acme" });
  expect(waitedMs).toBeGreaterThan(30_000);
});

test("does not take a publication under way for the end", async () => {
  const { look } = await follow([...Array.from({ length: 10 }, () => ({ publishing: 1, ready: 1 })), { open: 2 }]);
  expect(look).toBe(11);
});

test("ends at once when the campaign is paused", async () => {
  const { waiting, look } = await follow([{ ready: 1, open: 1 }], { status: "paused" });
  expect(waiting).toHaveLength(1);
  expect(look).toBe(1);
});

test("gives up after the timeout", async () => {
  await expect(follow([{ publishing: 1 }], { timeoutMs: 5000 })).rejects.toMatchObject({ code: "timed-out" });
});
