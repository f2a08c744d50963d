import { createHash, randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { TokenRole } from "#shared/tokens/token-role.ts";
import { openTokensWorld, tokensStartAt, type TokensWorld } from "#shared/testing/tokens-world.ts";

let world: TokensWorld;
beforeEach(async () => {
  world = await openTokensWorld();
});
afterEach(() => world.close());

const minutes = (count: number) => count * 60_000;

/** What the database holds, all of it, as text. */
async function everythingKept(): Promise<string> {
  const { rows } = await world.database.database.knex.raw<{ rows: unknown[] }>("SELECT * FROM installation_tokens");
  return JSON.stringify(rows);
}

describe("a token", () => {
  test("comes with its expiry and its permissions, and is for no cache on the way", async () => {
    const { status, headers, body } = await world.get("reader", `installations/${world.installation}`);
    expect(status).toBe(200);
    expect(headers.get("cache-control")).toBe("no-store");
    expect(body).toEqual({
      token: expect.stringMatching(/^ghs_/),
      expiresAt: new Date(tokensStartAt.getTime() + minutes(60)).toISOString(),
      permissions: { contents: "read", pull_requests: "read", metadata: "read" },
      installation: world.installation,
    });
  });

  test("is found by the account, in any case of its name, or by a repository once the account was renamed", async () => {
    const byId = await world.get("reader", `installations/${world.installation}`);
    for (const path of ["accounts/ACME", "accounts/former-name?repository=acme/api"]) {
      expect((await world.get("reader", path)).body).toEqual(byId.body);
    }
    expect(world.minted()).toBe(1);
  });

  test("is kept until its last minute, and as long as the caller needs it", async () => {
    const path = `installations/${world.installation}`;
    const first = (await world.get("reader", path)).body["token"];
    world.clock.advance(minutes(59));
    expect((await world.get("reader", path)).body["token"]).toBe(first);
    const longer = (await world.get("reader", `${path}?validForMs=${minutes(10)}`)).body["token"];
    expect(longer).not.toBe(first);
    world.clock.advance(minutes(50));
    expect((await world.get("reader", `${path}?validForMs=${minutes(10)}`)).body["token"]).toBe(longer);
    world.clock.advance(minutes(9) + 1);
    expect((await world.get("reader", path)).body["token"]).not.toBe(longer);
    expect(world.minted()).toBe(3);
  });

  test("is another one after GitHub refused it, once for all who say so", async () => {
    const path = `installations/${world.installation}`;
    const first = String((await world.get("reader", path)).body["token"]);
    const refused = createHash("sha256").update(first).digest("hex");
    const others = await Promise.all([1, 2, 3].map(() => world.get("reader", `${path}?refused=${refused}`)));
    const [second] = others.map(({ body }) => body["token"]);
    expect(second).not.toBe(first);
    expect(others.map(({ body }) => body["token"])).toEqual([second, second, second]);
    expect((await world.get("reader", path)).body["token"]).toBe(second);
  });

  test("is made once for many who ask at once, and one apart for each scope", async () => {
    const paths = [
      `installations/${world.installation}`,
      `installations/${world.installation}?permissions=contents:read`,
      `installations/${world.installation}?repositories=${world.repositoryId("api")}`,
    ];
    const answers = await Promise.all([...paths, ...paths, ...paths].map((path) => world.get("reader", path)));
    expect(new Set(answers.map(({ body }) => body["token"])).size).toBe(3);
    expect(world.minted()).toBe(3);
  });

  test("outlives the function, which makes no other after a restart", async () => {
    const path = `accounts/acme?repositories=${world.repositoryId("api")},${world.repositoryId("web")}`;
    const first = await world.get("reader", path);
    await world.restart();
    const turned = `accounts/acme?repositories=${world.repositoryId("web")},${world.repositoryId("api")}`;
    expect((await world.get("reader", turned)).body).toEqual(first.body);
    expect(world.minted()).toBe(1);
  });
});

describe("the database", () => {
  test("holds no token in the clear, nor does the log", async () => {
    const { body } = await world.get("writer", "accounts/acme");
    const kept = await everythingKept();
    expect(JSON.parse(kept)).toHaveLength(1);
    for (const place of [kept, world.log()]) {
      expect(place).not.toContain(String(body["token"]));
      expect(place).not.toMatch(/ghs_|eyJ|a-secret-of/);
    }
  });

  test("is read with an older key as long as the settings have it; without it the token is made again", async () => {
    const [older, newer] = [randomBytes(32).toString("base64"), randomBytes(32).toString("base64")];
    const tokenWith = async (keys: string) => {
      await world.restart({ OCTOBATCH_TOKENS_KEY: keys });
      return (await world.get("reader", "accounts/acme")).body["token"];
    };
    const first = await tokenWith(older);
    expect(await tokenWith(`${newer},${older}`)).toBe(first);
    const second = await tokenWith(newer);
    expect(second).not.toBe(first);
    expect(await tokenWith(newer)).toBe(second);
    expect(JSON.parse(await everythingKept())).toHaveLength(1);
  });

  test("forgets what has expired", async () => {
    await world.get("reader", "accounts/acme");
    world.clock.advance(minutes(61));
    await world.get("writer", "accounts/acme");
    expect(JSON.parse(await everythingKept())).toHaveLength(1);
  });
});

describe("a role", () => {
  const ofApi = "repositories=API";
  const ask = (role: TokenRole, query: string) => {
    const ids = query.replace("API", `${world.repositoryId("api")}`).replace("WEB", `${world.repositoryId("web")}`);
    return world.get(role, `accounts/acme?${ids}`);
  };

  test.each<[TokenRole, string, Readonly<Record<string, string>>]>([
    ["reader", "", { contents: "read", pull_requests: "read", metadata: "read" }],
    ["reader", "permissions=contents:read", { contents: "read", metadata: "read" }],
    ["writer", "", { contents: "write", pull_requests: "write", metadata: "read" }],
    ["writer", "permissions=contents:read", { contents: "read", metadata: "read" }],
    ["writer", "permissions=contents:write,members:read", { contents: "write", members: "read", metadata: "read" }],
    ["source", ofApi, { contents: "read", metadata: "read" }],
    ["worker", "", { contents: "read", metadata: "read" }],
    ["worker", ofApi, { contents: "read", metadata: "read" }],
  ])("%s that asks with %o may have %o", async (role, query, permissions) => {
    expect((await ask(role, query)).body).toMatchObject({ permissions });
  });

  test.each<[TokenRole, string, string]>([
    ["reader", "permissions=contents:write", 'the role reader may not have "contents: write"'],
    ["reader", "permissions=members:read", 'the role reader may not have "members: read"'],
    ["writer", "permissions=members:write", 'the role writer may not have "members: write"'],
    ["writer", "permissions=administration:read", 'the role writer may not have "administration: read"'],
    ["writer", "permissions=constructor:read", 'the role writer may not have "constructor: read"'],
    ["source", "", "the role source gets tokens for one repository"],
    ["source", "repositories=API,WEB", "the role source gets tokens for one repository"],
    ["source", `${ofApi}&permissions=pull_requests:read`, 'the role source may not have "pull_requests: read"'],
    ["source", `${ofApi}&permissions=contents:write`, 'the role source may not have "contents: write"'],
    ["worker", "permissions=contents:write", 'the role worker may not have "contents: write"'],
    ["worker", "permissions=pull_requests:read", 'the role worker may not have "pull_requests: read"'],
    ["keeper", "", "the role keeper gets no tokens of installations"],
    ["keeper", `${ofApi}&permissions=contents:read`, "the role keeper gets no tokens of installations"],
  ])("%s that asks with %o is refused, here and in the log: %s", async (role, query, because) => {
    const { status, body } = await ask(role, query);
    expect(status).toBe(403);
    expect(body).toEqual({ error: { code: "forbidden", message: expect.stringContaining(because) } });
    expect(world.log()).toContain(`refused a caller: ${because.replaceAll('"', String.raw`\"`)}`);
    expect(world.minted()).toBe(0);
  });

  test("keeper may have the App's JWT, which GitHub accepts", async () => {
    const { body } = await world.get("keeper", "app");
    const expiresAt = new Date(tokensStartAt.getTime() + minutes(9)).toISOString();
    expect(body).toEqual({ jwt: expect.stringMatching(/^eyJ/), expiresAt, appId: String(world.github.app.id) });
    const headers = { authorization: `Bearer ${String(body["jwt"])}` };
    expect((await fetch(`${world.github.apiUrl}/app`, { headers })).status).toBe(200);
    expect(world.log()).not.toContain(String(body["jwt"]));
  });

  test.each<[TokenRole]>([["reader"], ["writer"], ["source"], ["worker"]])("%s may not", async (role) => {
    const { status, body } = await world.get(role, "app");
    expect(status).toBe(403);
    expect(body).toEqual({
      error: { code: "forbidden", message: expect.stringContaining(`the role ${role} may not`) },
    });
  });
});

describe("a caller", () => {
  test.each([
    [undefined],
    ["Bearer reader:a-secret-of-writer-for-tests"],
    ["Bearer keeper:a-secret-of-reader-for-tests"],
    ["Bearer reader:a-secret-of-reader-for-test"],
    ["Bearer a-secret-of-reader-for-tests"],
    ["Basic cmVhZGVyOmEtc2VjcmV0LW9mLXJlYWRlci1mb3ItdGVzdHM="],
  ])("that shows %o is let in nowhere", async (authorization) => {
    for (const path of ["accounts/acme", `installations/${world.installation}`, "app", "check", "nothing"]) {
      const { status, headers, body } = await world.get({ authorization }, path);
      expect(status).toBe(401);
      expect(headers.get("www-authenticate")).toBe("Bearer");
      expect(body).toMatchObject({ error: { code: "unauthorized" } });
    }
    expect(world.github.requests).toEqual([]);
  });

  test("may have two secrets of one role, while one takes the place of the other", async () => {
    await world.restart({ OCTOBATCH_TOKENS_CALLERS: "reader:0123456789abcdef,reader:fedcba9876543210" });
    for (const secret of ["0123456789abcdef", "fedcba9876543210"]) {
      expect((await world.get({ authorization: `Bearer reader:${secret}` }, "check")).status).toBe(200);
    }
  });

  test.each([
    ["permissions=contents", "permissions: expected NAME:LEVEL,…"],
    ["permissions=contents:admin", "permissions: expected NAME:LEVEL,…"],
    ["repositories=acme/api", "repositories: expected the ids of repositories"],
    ["repositories=0", "repositories: expected the ids of repositories"],
    ["validForMs=soon", "validForMs: expected milliseconds"],
    ["validForMs=3600000", "validForMs: expected 3300000 ms at most"],
    ["refused=ghs_abc", "refused: expected the SHA-256"],
    ["repository=api", "repository: expected owner/name"],
    ["scope=all", "scope"],
  ])("that asks with %s is told what is wrong", async (query, expected) => {
    const { status, body } = await world.get("reader", `accounts/acme?${query}`);
    expect(status).toBe(400);
    expect(body).toEqual({ error: { code: "invalid-request", message: expect.stringContaining(expected) } });
  });

  test("that asks for more repositories than GitHub takes is told how many it takes", async () => {
    const ids = Array.from({ length: 501 }, (_, index) => index + 1).join(",");
    const { status, body } = await world.get("reader", `accounts/acme?repositories=${ids}`);
    expect(status).toBe(400);
    expect(body).toMatchObject({ error: { message: "repositories: expected 500 repositories at most" } });
  });

  test("that asks for something else is told that it is not there", async () => {
    for (const path of ["installations/acme", "installations/0", "elsewhere"]) {
      expect(await world.get("reader", path)).toMatchObject({ status: 404, body: { error: { code: "not-found" } } });
    }
  });
});

test("its health says whether GitHub accepts the App's key", async () => {
  expect((await fetch(`${world.url}/healthz`)).status).toBe(200);
  world.github.revokeKey();
  // Whoever asks often is told what was found a moment ago.
  expect((await fetch(`${world.url}/healthz`)).status).toBe(200);
  world.clock.advance(15_000);
  const answer = await fetch(`${world.url}/healthz`);
  expect(answer.status).toBe(503);
  expect(await answer.json()).toMatchObject({ postgres: "ok", tokenIssuer: expect.stringContaining("private key") });
});
