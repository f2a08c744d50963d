import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { CampaignState } from "#shared/campaign/campaign.ts";
import type { NewTask, TaskState } from "#shared/task/task.ts";
import type { BegunTask, TaskStore } from "#shared/task/task-store.ts";
import { aSpecVersion, aTask, later, noon } from "#shared/testing/builders.ts";
import { testDatabase, type TestDatabase } from "#shared/testing/postgres.ts";
import { createCampaignStore } from "./campaign-store.ts";
import { rowsOf } from "./sql.ts";
import { createTaskStore } from "./task-store.ts";

const leaseMs = 60_000;
const limits = { work: 100 };
let db: TestDatabase;
let tasks: TaskStore;

beforeAll(async () => {
  db = await testDatabase();
  tasks = createTaskStore(db.database.knex, ["reading"]);
  await createCampaignStore(db.database.knex).apply(aSpecVersion());
});
afterAll(() => db.drop());
beforeEach(async () => {
  await db.database.knex.raw("DELETE FROM tasks");
  await steer("active");
});

async function steer(status: CampaignState["status"]): Promise<void> {
  await db.database.knex.raw("UPDATE campaigns SET status = ?", [status]);
}

const claim = (at = noon, store = tasks) => store.claimDue(limits, at, leaseMs);
const keys = (found: readonly { readonly subject: string }[]) => found.map(({ subject }) => subject).sort();

/** Adds a task and begins it. */
async function begun(key: string, overrides: Partial<NewTask> = {}): Promise<BegunTask> {
  const task = aTask(key, overrides);
  await tasks.addAll([task], noon);
  const found = await tasks.begin(task.id, noon, leaseMs);
  if (found === undefined) throw new Error("a task that is due can be begun");
  return found;
}

const stateOf = async (key: string): Promise<TaskState | undefined> => (await tasks.find(aTask(key).id))?.state;

describe("adding tasks", () => {
  test("keeps all that they carry", async () => {
    const task = aTask("a", { campaign: "tidy", data: { nested: [1, null, "é"] } });
    await tasks.addAll([task], noon);
    const { dedupeKey: _, ...kept } = task;
    expect(await tasks.find(task.id)).toEqual({ ...kept, state: "due", attempts: 0, failures: 0 });
  });

  test("by many at the very same moment is nobody's error, whichever index sees it first", async () => {
    for (let round = 0; round < 100; round += 1) {
      await Promise.all([1, 2, 3, 4, 5].map(() => tasks.addAll([aTask(`round ${round}`)], noon)));
    }
    expect(await tasks.counts()).toEqual([{ type: "work", state: "due", count: 100 }]);
  });

  test("twice, at once or after it was done, stores one and leaves it as it is", async () => {
    await Promise.all([1, 2, 3, 4].map(() => tasks.addAll([aTask("a")], noon)));
    await tasks.finish(await begun("a"), noon);
    await tasks.addAll([aTask("a"), aTask("b")], noon);
    expect(await tasks.counts()).toEqual([
      { type: "work", state: "done", count: 1 },
      { type: "work", state: "due", count: 1 },
    ]);
  });

  test("finds nothing under an id that is none of ours, whatever it says", async () => {
    for (const id of ["", "tick-1", "'; DROP TABLE tasks; --", aTask("nobody").id]) {
      expect(await tasks.find(id)).toBeUndefined();
      expect(await tasks.begin(id, noon, leaseMs)).toBeUndefined();
    }
  });
});

describe("claiming what is due", () => {
  test("takes what is due, the longest due first, and not what is not", async () => {
    await tasks.addAll(
      [aTask("a"), aTask("b", { notBefore: later(-1) }), aTask("later", { notBefore: later(1) })],
      noon,
    );
    expect(keys(await tasks.claimDue({ work: 1 }, noon, leaseMs))).toEqual(["b"]);
    expect(keys(await claim())).toEqual(["a"]);
    expect(await claim()).toEqual([]);
    expect(keys(await claim(later(1)))).toEqual(["later"]);
  });

  test("keeps to the limit of each type in each organization, counting what is in flight in any way", async () => {
    const many = ["acme", "globex"].flatMap((organization) =>
      ["work", "other", "unlimited"].flatMap((type) =>
        [1, 2, 3, 4].map((n) => aTask(`${organization}/${type}/${n}`, { organization, type })),
      ),
    );
    await tasks.addAll(many, noon);
    const claimed = await tasks.claimDue({ work: 3, other: 2 }, noon, leaseMs);
    expect(keys(claimed)).toHaveLength(2 * (3 + 2 + 1));
    // One of each is sent, one begun; they are in flight as before.
    const [first, second] = claimed.filter(({ type, organization }) => type === "work" && organization === "acme");
    await tasks.sent([first?.id ?? ""], noon, leaseMs);
    const running = await tasks.begin(second?.id ?? "", noon, leaseMs);
    expect(await tasks.claimDue({ work: 3, other: 2 }, noon, leaseMs)).toEqual([]);
    if (running) await tasks.finish(running, noon);
    expect(await tasks.claimDue({ work: 3, other: 2 }, noon, leaseMs)).toMatchObject([
      { organization: "acme", type: "work" },
    ]);
  });

  test("gives each task to one of many claimers, and no more than the limit to all of them", async () => {
    await tasks.addAll(
      Array.from({ length: 60 }, (_, index) => aTask(`task/${index}`)),
      noon,
    );
    const rounds = await Promise.all(Array.from({ length: 12 }, () => tasks.claimDue({ work: 40 }, noon, leaseMs)));
    const ids = rounds.flat().map(({ id }) => id);
    expect(ids).toHaveLength(40);
    expect(new Set(ids).size).toBe(40);
  });

  test("counts what another claim takes at the same time, whatever became due meanwhile", async () => {
    const { knex } = db.database;
    const transaction = await knex.transaction();
    await tasks.addAll([aTask("a")], noon);
    expect(keys(await createTaskStore(transaction, []).claimDue({ work: 1 }, noon, leaseMs))).toEqual(["a"]);
    await tasks.addAll([aTask("b", { notBefore: later(-1) })], noon);
    const answered = new AbortController();
    const other = tasks.claimDue({ work: 1 }, noon, leaseMs).finally(() => answered.abort());
    // The other one waits for the first, or has not waited and is answered.
    const waits =
      "SELECT FROM pg_locks JOIN pg_database ON oid = database WHERE datname = current_database() AND NOT granted";
    while (!answered.signal.aborted && (await rowsOf(knex, waits)).length === 0);
    await transaction.commit();
    expect(await other).toEqual([]);
  });

  test("takes the longest due of all campaigns together, and steps over those that are held", async () => {
    await createCampaignStore(db.database.knex).apply(aSpecVersion({ campaign: "other" }));
    await tasks.addAll(
      [
        aTask("first", { campaign: "tidy", notBefore: later(-4) }),
        aTask("second", { campaign: "other", notBefore: later(-3) }),
        aTask("third", { notBefore: later(-2) }),
        aTask("fourth", { campaign: "tidy", notBefore: later(-1) }),
      ],
      noon,
    );
    expect(keys(await tasks.claimDue({ work: 2 }, noon, leaseMs))).toEqual(["first", "second"]);
    await db.database.knex.raw("UPDATE campaigns SET status = 'paused' WHERE name = 'tidy'");
    expect(keys(await tasks.claimDue({ work: 4 }, noon, leaseMs))).toEqual(["third"]);
    await steer("active");
    expect(keys(await tasks.claimDue({ work: 4 }, noon, leaseMs))).toEqual(["fourth"]);
  });

  test("reads no more when much is due, even by a plan from when nothing was", async () => {
    const transaction = await db.database.knex.transaction();
    try {
      const here = createTaskStore(transaction, ["reading"]);
      await transaction.raw("TRUNCATE tasks");
      await here.claimDue({ work: 5 }, noon, leaseMs);
      await here.addAll(
        Array.from({ length: 2000 }, (_, index) => aTask(`task/${index}`)),
        noon,
      );
      const read = async (): Promise<number> => {
        const { rows } = await transaction.raw<{ rows: { read: string }[] }>(
          "SELECT seq_tup_read + idx_tup_fetch AS read FROM pg_stat_xact_user_tables WHERE relname = 'tasks'",
        );
        return Number(rows[0]?.read);
      };
      const before = await read();
      expect(await here.claimDue({ work: 5 }, noon, leaseMs)).toHaveLength(5);
      expect((await read()) - before).toBeLessThan(50);
    } finally {
      await transaction.rollback();
    }
  });

  test("is by a plan that is never compiled, which would take longer than the claim", async () => {
    const { rows } = await db.database.knex.raw<{ rows: { proconfig: string[] }[] }>(
      "SELECT proconfig FROM pg_proc WHERE proname = 'claim_due_tasks'",
    );
    expect(rows).toMatchObject([{ proconfig: expect.arrayContaining(["jit=off"]) }]);
  });

  test("goes on by connections that prepared it before its answer had one more column", async () => {
    const transaction = await db.database.knex.transaction();
    try {
      const here = createTaskStore(transaction, []);
      await here.claimDue(limits, noon, leaseMs);
      const { rows } = await transaction.raw<{ rows: { definition: string }[] }>(
        "SELECT pg_get_functiondef('claim_due_tasks'::regproc) AS definition",
      );
      const wider = (rows[0]?.definition ?? "")
        .replace("because text)", "because text, more text)")
        .replace("tasks.because;", "tasks.because, 'more';");
      await transaction.raw("DROP FUNCTION claim_due_tasks");
      await transaction.raw(wider.replaceAll("?", "\\?"));
      await here.addAll([aTask("a")], noon);
      expect(keys(await here.claimDue(limits, noon, leaseMs))).toEqual(["a"]);
    } finally {
      await transaction.rollback();
    }
  });

  test.each(["paused", "killed"] as const)(
    "holds the tasks of a campaign that is %s, but for those that only read",
    async (status) => {
      await tasks.addAll(
        [aTask("held", { campaign: "tidy" }), aTask("read", { campaign: "tidy", type: "reading" }), aTask("free")],
        noon,
      );
      await steer(status);
      expect(keys(await claim())).toEqual(["free", "read"]);
      await steer("active");
      expect(keys(await claim())).toEqual(["held"]);
    },
  );

  test("knows whether anything moves", async () => {
    expect(await tasks.isMoving(noon)).toBe(false);
    await tasks.addAll([aTask("a", { campaign: "tidy", notBefore: later(1) })], noon);
    expect(await tasks.isMoving(noon)).toBe(false);
    expect(await tasks.isMoving(later(1))).toBe(true);
    await steer("paused");
    expect(await tasks.isMoving(later(1))).toBe(false);
    await steer("active");
    await claim(later(1));
    await steer("paused");
    expect(await tasks.isMoving(noon)).toBe(true);
  });
});

describe("announcing", () => {
  test("what the broker did not take makes it due again later, with the reason", async () => {
    await tasks.addAll([aTask("a")], noon);
    const ids = (await claim()).map(({ id }) => id);
    await tasks.notSent(ids, later(5_000), "the broker is away");
    expect(await claim()).toEqual([]);
    expect(await claim(later(5_000))).toMatchObject([{ because: "the broker is away" }]);
  });

  test("holds to a refusal, though what the broker took of an earlier announcement is noted before it", async () => {
    await tasks.addAll([aTask("a")], noon);
    const ids = (await claim()).map(({ id }) => id);
    await tasks.sent(ids, noon, leaseMs);
    await tasks.notSent(ids, later(5_000), "the broker is away");
    expect(await claim(later(5_000))).toMatchObject([{ because: "the broker is away" }]);
  });

  test("changes nothing about a task that was begun before the broker's answer was heard", async () => {
    await tasks.addAll([aTask("a")], noon);
    const [task] = await claim();
    await tasks.begin(task?.id ?? "", noon, leaseMs);
    await tasks.sent([task?.id ?? ""], noon, leaseMs);
    expect(await stateOf("a")).toBe("running");
    await tasks.notSent([task?.id ?? ""], noon, "lost");
    expect(await stateOf("a")).toBe("running");
  });
});

describe("beginning a task", () => {
  test("is for one caller alone, until its lease ends", async () => {
    await tasks.addAll([aTask("a")], noon);
    const { id } = aTask("a");
    const all = await Promise.all(Array.from({ length: 8 }, () => tasks.begin(id, noon, leaseMs)));
    expect(all.filter((one) => one !== undefined)).toMatchObject([{ attempts: 1, state: "running" }]);
    expect(await tasks.begin(id, later(leaseMs - 1), leaseMs)).toBeUndefined();
    expect(await tasks.begin(id, later(leaseMs), leaseMs)).toMatchObject({ attempts: 2 });
  });

  test("waits until it is due", async () => {
    await tasks.addAll([aTask("a", { notBefore: later(1) })], noon);
    expect(await tasks.begin(aTask("a").id, noon, leaseMs)).toBeUndefined();
    expect(await tasks.begin(aTask("a").id, later(1), leaseMs)).toBeDefined();
  });

  test.each(["done", "dead", "cancelled"] as const)("has nothing to do once it is %s", async (state) => {
    const task = await begun("a", { campaign: "tidy" });
    if (state === "done") await tasks.finish(task, noon);
    if (state === "dead") await tasks.bury(task.id, "hopeless", noon);
    if (state === "cancelled") await tasks.cancelAll("tidy", [], noon);
    expect(await stateOf("a")).toBe(state);
    expect(await tasks.begin(task.id, later(leaseMs), leaseMs)).toBeUndefined();
    expect(await claim(later(leaseMs))).toEqual([]);
    await tasks.recover(later(leaseMs), 25);
    expect(await stateOf("a")).toBe(state);
  });
});

describe("a task that was begun", () => {
  test("is due again when it is postponed, and says what it waits for", async () => {
    await tasks.postpone(await begun("a"), later(1_000), "the daily cap is reached", noon);
    expect(await claim()).toEqual([]);
    expect(await claim(later(1_000))).toMatchObject([{ because: "the daily cap is reached", attempts: 1 }]);
  });

  test("waits for its outcome, and is looked at again when the lease ends", async () => {
    await tasks.awaitOutcome(await begun("a"), "its steps are running", noon, leaseMs);
    expect(await stateOf("a")).toBe("awaiting");
    expect(await claim(later(leaseMs))).toEqual([]);
    expect(await tasks.recover(later(leaseMs), 1)).toEqual({ recovered: 1, exhausted: [] });
    expect(await claim(later(leaseMs))).toHaveLength(1);
  });

  test("is due again when it is to be tried again, and has failed once more", async () => {
    await tasks.retry(await begun("a"), later(1_000), "502", noon);
    expect(await claim()).toEqual([]);
    expect(await claim(later(1_000))).toMatchObject([{ because: "502", failures: 1 }]);
  });

  test("counts failures in a row: waiting for its turn, or for its outcome, is none and ends the row", async () => {
    const { id } = aTask("a");
    await tasks.addAll([aTask("a")], noon);
    const again = async (leave: (task: BegunTask) => Promise<void>): Promise<number | undefined> => {
      const task = await tasks.begin(id, noon, leaseMs);
      if (task === undefined) throw new Error("a task that is due can be begun");
      await leave(task);
      return (await tasks.find(id))?.failures;
    };
    expect(await again((task) => tasks.retry(task, noon, "502", noon))).toBe(1);
    expect(await again((task) => tasks.failed(task, "it broke", noon, leaseMs))).toBe(2);
    expect(await again((task) => tasks.postpone(task, noon, "the cap", noon))).toBe(0);
    expect(await again((task) => tasks.retry(task, noon, "502", noon))).toBe(1);
    expect(await again((task) => tasks.awaitOutcome(task, "its steps", noon, leaseMs))).toBe(0);
  });

  test("is left to the broker when it failed, and to the table when the broker forgets", async () => {
    const task = await begun("a");
    await tasks.failed(task, "it broke", noon, leaseMs);
    expect(await tasks.find(task.id)).toMatchObject({ state: "sent", because: "it broke" });
    expect(await tasks.begin(task.id, noon, leaseMs)).toMatchObject({ attempts: 2 });
    expect(await tasks.recover(later(leaseMs), 25)).toMatchObject({ recovered: 1 });
  });

  test("no longer belongs to who began it before somebody else did", async () => {
    const stale = await begun("a");
    const fresh = await tasks.begin(stale.id, later(leaseMs), leaseMs);
    const at = later(leaseMs);
    await tasks.finish(stale, at);
    await tasks.postpone(stale, at, "stale", at);
    await tasks.retry(stale, at, "stale", at);
    await tasks.failed(stale, "stale", at, leaseMs);
    await tasks.awaitOutcome(stale, "stale", at, leaseMs);
    expect(await tasks.find(stale.id)).toEqual(fresh);
    if (fresh) await tasks.finish(fresh, at);
    expect(await stateOf("a")).toBe("done");
  });

  test("is not brought back by who was at it when it was buried or finished by others", async () => {
    const buried = await begun("a");
    expect(await tasks.bury(buried.id, "hopeless", noon)).toBe(true);
    expect(await tasks.bury(buried.id, "again", noon)).toBe(false);
    await tasks.postpone(buried, noon, "later", noon);
    expect(await tasks.find(buried.id)).toMatchObject({ state: "dead", because: "hopeless" });

    const other = await begun("b");
    await tasks.finishAllOf(["work"], "b", noon);
    await tasks.failed(other, "too late", noon, leaseMs);
    expect(await stateOf("b")).toBe("done");
  });
});

describe("what was lost", () => {
  test("is due again after its lease and not before, unless it has failed too often", async () => {
    await begun("lost");
    await tasks.addAll([aTask("claimed")], noon);
    await claim();
    expect(await tasks.recover(later(leaseMs - 1), 25)).toEqual({ recovered: 0, exhausted: [] });
    expect(await tasks.recover(later(leaseMs), 1)).toMatchObject({ recovered: 1, exhausted: [{ subject: "lost" }] });
    expect(keys(await claim(later(leaseMs)))).toEqual(["claimed"]);
  });

  test("is, while it waits for its outcome, never replaced by another that is due", async () => {
    await tasks.awaitOutcome(await begun("z", { notBefore: later(-1) }), "its steps", noon, leaseMs);
    await tasks.addAll([aTask("a", { notBefore: later(-2) }), aTask("b")], noon);
    await tasks.recover(later(leaseMs), 25);
    expect(keys(await tasks.claimDue({ work: 1 }, later(leaseMs), leaseMs))).toEqual(["z"]);
  });

  describe("while it waits for its outcome", () => {
    const waits = later(leaseMs);
    const waitsMore = later(2 * leaseMs);
    /** The only one that may be in flight, when others are due before it was. */
    async function awaiting(): Promise<string> {
      const task = await begun("z", { notBefore: later(-1) });
      await tasks.awaitOutcome(task, "its steps", noon, leaseMs);
      await tasks.addAll([aTask("a", { notBefore: later(-3) }), aTask("b", { notBefore: later(-2) })], noon);
      return task.id;
    }
    async function looksAgain(id: string): Promise<BegunTask> {
      const task = await tasks.begin(id, waits, leaseMs);
      if (task === undefined) throw new Error("a task that waits for its outcome can be looked at again");
      return task;
    }
    const claimed = async (at: Date) => keys(await tasks.claimDue({ work: 1 }, at, leaseMs));

    test.each<[string, (id: string) => Promise<void>]>([
      ["when looking at it failed", async (id) => tasks.retry(await looksAgain(id), waitsMore, "503", waits)],
      [
        "when the broker refused to announce it",
        async (id) => {
          await tasks.recover(waits, 25);
          await tasks.claimDue({ work: 1 }, waits, leaseMs);
          await tasks.notSent([id], waitsMore, "the broker is away");
        },
      ],
      ["when the one who looked is gone", async (id) => void (await looksAgain(id))],
      [
        "when its announcement is lost",
        async () => {
          await tasks.recover(waits, 25);
          await tasks.claimDue({ work: 1 }, waits, leaseMs);
        },
      ],
    ])("keeps its place %s", async (_, goWrong) => {
      await goWrong(await awaiting());
      expect(await claimed(waits)).toEqual([]);
      expect(await tasks.recover(waitsMore, 25)).toEqual({ recovered: 1, exhausted: [] });
      expect(await claimed(waitsMore)).toEqual(["z"]);
    });

    test("comes first in a process that knows itself to be alone", async () => {
      await awaiting();
      await tasks.releaseAllLeases(waits);
      expect(await claimed(waits)).toEqual(["z"]);
    });

    test("gives its place up when it has to wait for its turn", async () => {
      await tasks.postpone(await looksAgain(await awaiting()), waits, "the cap", waits);
      expect(await claimed(waits)).toEqual(["a"]);
    });
  });

  test("has failed once more if a function was at it, whoever finds out, and not if it was only announced", async () => {
    await begun("recovered");
    await begun("begun again");
    await tasks.awaitOutcome(await begun("awaiting"), "its steps", noon, leaseMs);
    await tasks.addAll([aTask("claimed")], noon);
    await claim();
    await tasks.begin(aTask("begun again").id, later(leaseMs), leaseMs);
    await tasks.recover(later(leaseMs), 25);
    const failures = async (key: string) => (await tasks.find(aTask(key).id))?.failures;
    expect(await Promise.all(["recovered", "begun again", "awaiting", "claimed"].map(failures))).toEqual([1, 1, 0, 0]);
  });

  test("is due again at once in a process that knows itself to be alone", async () => {
    await begun("a");
    await tasks.finish(await begun("done"), noon);
    await tasks.releaseAllLeases(noon);
    expect(keys(await claim())).toEqual(["a"]);
    expect(await stateOf("done")).toBe("done");
  });
});

describe("a campaign's tasks", () => {
  test("are cancelled together, but for the types that go on and for other campaigns' and what is final", async () => {
    await createCampaignStore(db.database.knex).apply(aSpecVersion({ campaign: "other" }));
    await begun("running", { campaign: "tidy" });
    await tasks.finish(await begun("done", { campaign: "tidy" }), noon);
    await tasks.addAll(
      [
        aTask("due", { campaign: "tidy" }),
        aTask("read", { campaign: "tidy", type: "reading" }),
        aTask("b", { campaign: "other" }),
      ],
      noon,
    );
    await tasks.cancelAll("tidy", ["reading"], noon);
    expect(await Promise.all(["running", "done", "due", "read", "b"].map(stateOf))).toEqual([
      "cancelled",
      "done",
      "cancelled",
      "due",
      "due",
    ]);
  });

  test("are counted, and the dead ones shown with what they died of", async () => {
    await tasks.bury((await begun("a", { campaign: "tidy" })).id, "hopeless", noon);
    await tasks.addAll([aTask("b")], noon);
    expect(await tasks.counts("tidy")).toEqual([{ type: "work", state: "dead", count: 1 }]);
    expect(await tasks.dead("tidy")).toMatchObject([{ subject: "a", because: "hopeless" }]);
  });
});
