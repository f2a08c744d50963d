import { describe, expect, test } from "vitest";
import { createManualClock } from "#shared/adapters/memory/manual-clock.ts";
import { CodeHostUnavailable } from "#shared/ports/code-host.ts";
import type { HostToken } from "#shared/ports/host-tokens.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { keepTokens, tokenKey } from "./keep-tokens.ts";
import { memoryShelf } from "./token-shelf.ts";

const startAt = new Date("2026-03-02T09:00:00Z");
const wish = { permissions: { contents: "read" } } as const;

function setUp() {
  const clock = createManualClock(startAt);
  const keep = keepTokens({ shelf: memoryShelf(clock), clock });
  let made = 0;
  const make = async (): Promise<HostToken> => {
    made += 1;
    const expiresAt = new Date(clock.now().getTime() + 3_600_000);
    return { token: `ghs_${made}`, expiresAt, permissions: {}, installation: 7 };
  };
  return { clock, keep, make, made: () => made };
}

describe("tokens", () => {
  test("are got once for many who ask at once, and those whom that one does not suit get another together", async () => {
    const { keep, make, made } = setUp();
    const refused = fingerprintOf("ghs_1");
    const answers = await Promise.all([
      keep("key", wish, make),
      keep("key", wish, make),
      keep("key", { ...wish, refused }, make),
      keep("key", { ...wish, refused }, make),
      keep("other", wish, make),
    ]);
    expect(answers.map(({ token }) => token)).toEqual(["ghs_1", "ghs_1", "ghs_3", "ghs_3", "ghs_2"]);
    expect(made()).toBe(3);
  });

  test("that cannot be had are refused to all who wait, and asked for again by the next", async () => {
    const { keep, make, made } = setUp();
    let asked = 0;
    const fail = async (): Promise<HostToken> => {
      asked += 1;
      throw new CodeHostUnavailable("502");
    };
    const answers = await Promise.allSettled([keep("key", wish, fail), keep("key", wish, fail)]);
    expect(answers.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(asked).toBe(1);
    await keep("key", wish, make);
    expect(made()).toBe(1);
  });

  test("that are new and of no use are handed out to nobody: the message names both times", async () => {
    const { clock, keep, make } = setUp();
    const dying = async () => ({ ...(await make()), expiresAt: new Date(clock.now().getTime() + 59_999) });
    await expect(keep("key", wish, dying)).rejects.toMatchObject({
      name: "CodeHostUnavailable",
      message: expect.stringMatching(/expires at 2026-03-02T09:00:59\.999Z, and it is 2026-03-02T09:00:00\.000Z here/),
    });
    expect((await keep("key", wish, make)).token).toBe("ghs_2");
  });
});

describe("the key of a scope", () => {
  const scoped = { permissions: { contents: "read", members: "read" }, repositoryIds: [2, 10] } as const;

  test("does not know an order", () => {
    const turned = { permissions: { members: "read", contents: "read" }, repositoryIds: [10, 2] } as const;
    expect(tokenKey("installation 7", turned)).toBe(tokenKey("installation 7", scoped));
  });

  test("is another for another owner, permission, level or repository", () => {
    const keys = [
      tokenKey("installation 7", scoped),
      tokenKey("installation 8", scoped),
      tokenKey("installation 7", { ...scoped, repositoryIds: [2] }),
      tokenKey("installation 7", { permissions: scoped.permissions }),
      tokenKey("installation 7", { permissions: scoped.permissions, repositoryIds: [] }),
      tokenKey("installation 7", { ...scoped, permissions: { contents: "read" } }),
      tokenKey("installation 7", { ...scoped, permissions: { contents: "write", members: "read" } }),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });
});
