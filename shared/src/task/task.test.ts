import { expect, test } from "vitest";
import { changesetNudged, changesetReady } from "#eventing/changeset.ts";
import { noon } from "#shared/testing/builders.ts";
import { taskFor } from "./task.ts";

const where = { campaign: "tidy", organization: "Acme", notBefore: noon, dedupe: [1] };
const task = taskFor(changesetReady, { changesetId: "c-1" }, where);

test("a task is announced by an event of its type, under an id that is a UUID", () => {
  expect(task).toMatchObject({
    type: changesetReady.type,
    subject: "c-1",
    data: { changesetId: "c-1" },
    campaign: "tidy",
  });
  expect(task.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(task.dedupeKey).toMatch(/^[0-9a-f]{64}$/);
});

test("asking for the same twice is asking for one task, whenever it is asked", () => {
  const again = taskFor(changesetReady, { changesetId: "c-1" }, { ...where, notBefore: noon });
  expect([again.id, again.dedupeKey]).toEqual([task.id, task.dedupeKey]);
});

test("another type, subject or reason is another task", () => {
  const others = [
    taskFor(changesetNudged, { changesetId: "c-1" }, where),
    taskFor(changesetReady, { changesetId: "c-2" }, where),
    taskFor(changesetReady, { changesetId: "c-1" }, { ...where, dedupe: [2] }),
    taskFor(changesetReady, { changesetId: "c-1" }, { ...where, dedupe: [1, ""] }),
  ];
  expect(new Set([task, ...others].map(({ id }) => id)).size).toBe(5);
});

test("organizations share their back-pressure in any case, and a task may belong to no campaign", () => {
  expect(task.organization).toBe("acme");
  const { campaign: _, ...nowhere } = where;
  expect(taskFor(changesetReady, { changesetId: "c-1" }, nowhere)).not.toHaveProperty("campaign");
});
