import { expect, test } from "vitest";
import { githubLimits } from "#shared/pacing/limits.ts";
import { PacingUnavailable } from "#shared/ports/pacing.ts";
import { pacingContract } from "#shared/testing/pacing.contract.ts";
import { afterMs, aPullRequest, mustTake, mustWait, aRequest } from "#shared/testing/pacing-world.ts";
import { testDatabase } from "#shared/testing/postgres.ts";
import { openDatabase } from "./database.ts";
import { createPostgresPacing } from "./pacing.ts";

pacingContract("pacing in Postgres", async () => {
  const db = await testDatabase();
  return { client: async (limits) => createPostgresPacing({ database: db.database, limits }), close: () => db.drop() };
});

test("pacing without its Postgres is unavailable, and says where it should be", async () => {
  const database = openDatabase({ url: "postgres://nobody@127.0.0.1:1/nothing" });
  const pacing = createPostgresPacing({ database, limits: githubLimits() });
  await expect(pacing.take("1", aRequest(), afterMs(0))).rejects.toThrow(PacingUnavailable);
  await expect(pacing.check()).rejects.toThrow("127.0.0.1:1/nothing");
  await database.close();
});

test("pacing refuses to begin where the migrations have not run", async () => {
  const db = await testDatabase({ schema: "empty" });
  await expect(createPostgresPacing({ database: db.database, limits: githubLimits() }).check()).rejects.toThrow(
    PacingUnavailable,
  );
  await db.drop();
});

test("pacing that was kept elsewhere before counts the content that the audit log knows", async () => {
  const db = await testDatabase();
  const contentCreatedAt = Array.from({ length: 499 }, (_, index) => afterMs(7000 * index));
  const pacing = createPostgresPacing({
    database: db.database,
    limits: githubLimits(),
    recall: async () => ({ contentCreatedAt }),
  });
  const { untilMs } = await mustWait(pacing, "1", aPullRequest, afterMs(7000 * 499));
  expect(untilMs).toBeGreaterThan(3_600_000);
  await mustTake(pacing, "1", aPullRequest, afterMs(untilMs));
  await db.drop();
});
