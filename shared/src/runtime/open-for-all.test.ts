import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createManualClock } from "#shared/adapters/memory/manual-clock.ts";
import { testDatabase, type TestDatabase } from "#shared/testing/postgres.ts";
import type { TokenRole } from "#shared/tokens/token-role.ts";
import type { CapabilityName } from "./capabilities.ts";
import { InvalidConfiguration } from "./config.ts";
import { defineHttpFunction } from "./define-function.ts";
import { createLogger } from "./logger.ts";
import { openForAll } from "./open-for-all.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.drop());

const foundation = (environment: Readonly<Record<string, string>>) => ({
  environment,
  database: database.database,
  clock: createManualClock(new Date(0)),
  log: createLogger("silent"),
  dispatcher: { kick: () => {}, idle: async () => {} },
});

const aFunction = (name: string, needs: readonly CapabilityName[], tokenRole?: TokenRole) =>
  defineHttpFunction({
    name,
    needs,
    routes: () => async () => new Response(),
    ...(tokenRole !== undefined && { tokenRole }),
  });

const where = { OCTOBATCH_TOKENS_URL: "http://127.0.0.1:1" };

describe("on one machine", () => {
  const reader = aFunction("select-page", ["codeHost"], "reader");
  const otherReader = aFunction("api", ["codeHost", "tasks"], "reader");
  const writer = aFunction("publish-changeset", ["codeHost"], "writer");

  test("functions of one role share what they need, and those of another have their own", async () => {
    const opened = await openForAll(foundation(where), [reader, otherReader, writer]);
    const [one, two, three] = [reader, otherReader, writer].map((each) => opened.grantTo(each));
    expect(Object.keys(two ?? {}).sort()).toEqual(["codeHost", "tasks", "transact"]);
    expect(one?.codeHost).toBe(two?.codeHost);
    expect(one?.codeHost).not.toBe(three?.codeHost);
    await opened.close();
  });

  test("the tokens function knows a caller of each role, and no two processes have the same secrets", async () => {
    const tokens = aFunction("tokens", ["tokenCallers"]);
    const secrets: string[] = [];
    for (const _ of [1, 2]) {
      const opened = await openForAll(foundation(where), [tokens]);
      const { tokenCallers } = opened.grantTo(tokens);
      expect(tokenCallers.map(({ role }) => role)).toEqual(["reader", "writer", "source", "worker", "keeper"]);
      secrets.push(...tokenCallers.map(({ secret }) => secret));
      await opened.close();
    }
    expect(new Set(secrets).size).toBe(10);
  });

  test("callers that the environment names are used, and a role that is not among them gets nothing", async () => {
    const given = { ...where, OCTOBATCH_TOKENS_CALLERS: "reader:0123456789abcdef" };
    const opened = await openForAll(foundation(given), [reader]);
    await opened.close();
    const refused = await openForAll(foundation(given), [reader, writer]).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(InvalidConfiguration);
    expect(String(refused)).toContain("OCTOBATCH_TOKENS_CREDENTIAL: is not set");
  });

  test("all settings that are missing are told at once, whichever role needs them", async () => {
    const functions = [aFunction("tokens", ["tokenIssuer"]), aFunction("execute-transform", ["sandbox"], "worker")];
    const refused = await openForAll(foundation({}), functions).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(InvalidConfiguration);
    for (const name of ["OCTOBATCH_GITHUB_APP_ID", "OCTOBATCH_TOKENS_URL", "OCTOBATCH_WORK_DIRECTORY"]) {
      expect(String(refused)).toContain(`${name}: is not set`);
    }
  });

  test("a check of one name works when it works for all roles", async () => {
    const opened = await openForAll(foundation(where), [reader, writer]);
    expect([...opened.checks.keys()].sort()).toEqual(["codeHost", "pacing", "postgres"]);
    await opened.checks.get("postgres")?.();
    await expect(opened.checks.get("codeHost")?.()).rejects.toThrow("gave no answer");
    await opened.close();
  });
});
