import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startGitHub, type LocalGitHub } from "#test/github/local-github.ts";
import type { TokenIssuer } from "../../ports/host-tokens.ts";
import { createTokenIssuer } from "../../tokens/issue-tokens.ts";
import { memoryShelf } from "../../tokens/token-shelf.ts";
import { createManualClock, type ManualClock } from "../memory/manual-clock.ts";
import { createGitHubTokenMint, type GitHubAppOptions } from "./token-mint.ts";

const startAt = new Date("2026-03-02T09:00:00Z");
const acme = { account: "acme" };
const reading = { permissions: { contents: "read" } } as const;
const hours = (count: number) => count * 3_600_000;

let directory: string;
let github: LocalGitHub;
/** Of this machine. */
let clock: ManualClock;
let gitHubClock: ManualClock;
let warnings: string[];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "octobatch-mint-"));
  clock = createManualClock(startAt);
  gitHubClock = createManualClock(startAt);
  warnings = [];
  github = await startGitHub({ directory, clock: gitHubClock, validate: true });
  await github.addOrganization("acme");
});
afterEach(async () => {
  const violations = github.violations();
  await github.close();
  await rm(directory, { recursive: true, force: true });
  if (violations.length > 0) throw new Error(`GitHub's own description does not fit: ${JSON.stringify(violations)}`);
});

function issuer(options: Partial<GitHubAppOptions> = {}): TokenIssuer {
  const mint = createGitHubTokenMint({
    apiUrl: github.apiUrl,
    appId: String(github.app.id),
    privateKey: github.app.privateKey,
    clock,
    timeoutMs: 10_000,
    sleep: async () => {},
    logger: { warn: (_, message) => void warnings.push(message) },
    ...options,
  });
  return createTokenIssuer({ mint, shelf: memoryShelf(clock), clock });
}

/** A refusal of this kind whose message says all of these. */
function refusal(kind: string, ...parts: readonly string[]) {
  return {
    kind,
    message: expect.toSatisfy((message: string) => parts.every((part) => message.includes(part)), parts.join(" … ")),
  };
}

const appsPage = () => `${github.url}/settings/apps`;
const installationPage = () =>
  `${github.url}/organizations/acme/settings/installations/${github.installation("acme").id}`;

describe("a token is refused by name, with the remedy:", () => {
  test("the App's key was revoked", async () => {
    github.revokeKey();
    await expect(issuer().token(acme, reading)).rejects.toMatchObject(
      refusal("bad-credentials", "get a token for acme", "it was revoked, or belongs to another App", appsPage()),
    );
    const privateKey = await github.addKey();
    expect(await issuer({ privateKey }).token(acme, reading)).toMatchObject({ permissions: { contents: "read" } });
  });

  test("there is no such App", async () => {
    await expect(issuer({ appId: "4" }).token(acme, reading)).rejects.toMatchObject(
      refusal("bad-credentials", "no App with the configured id", "OCTOBATCH_GITHUB_APP_ID"),
    );
  });

  test("the installation is suspended, found out by looking for it or in the middle of things", async () => {
    const known = issuer();
    await known.token(acme, reading);
    await github.suspend("acme");
    const wish = { permissions: { contents: "write" } } as const;
    await expect(known.token(acme, wish)).rejects.toMatchObject(
      refusal("suspended", "acme is suspended", "unsuspend it at"),
    );
    await expect(issuer().token(acme, wish)).rejects.toMatchObject(
      refusal("suspended", "acme is suspended", installationPage()),
    );
    await github.unsuspend("acme");
    expect(await known.token(acme, wish)).toMatchObject({ permissions: { contents: "write" } });
  });

  test("the App was uninstalled", async () => {
    const { id } = github.installation("acme");
    const known = issuer();
    await known.token(acme, reading);
    await github.uninstall("acme");
    const wish = { permissions: { contents: "write" } } as const;
    await expect(known.token(acme, wish)).rejects.toMatchObject(
      refusal("not-installed", "not installed on acme", "let an owner install the App there"),
    );
    await expect(known.ofInstallation(id, wish)).rejects.toMatchObject(
      refusal("not-installed", `installation ${id} was deleted`, "install the App again"),
    );
  });

  test("there is no such account", async () => {
    await expect(issuer().token({ account: "nobody" }, reading)).rejects.toMatchObject(
      refusal("not-installed", "not installed on nobody, or nobody does not exist"),
    );
  });

  test("permissions were not accepted yet, each with its name", async () => {
    const wish = { permissions: { contents: "write", pull_requests: "write", workflows: "write" } } as const;
    github.setPermissions("acme", { contents: "write", pull_requests: "read" });
    await expect(issuer().token(acme, wish)).rejects.toMatchObject(
      refusal(
        "missing-permission",
        'does not grant the permissions "pull requests: write" and "workflows: write"',
        `let an owner of acme accept it at ${installationPage()}`,
      ),
    );
    github.requestPermissions({ ...github.app.permissions, ...wish.permissions });
    await expect(issuer().token(acme, wish)).rejects.toMatchObject(refusal("missing-permission", "accept it at"));
    await github.acceptPermissions("acme");
    expect(await issuer().token(acme, wish)).toMatchObject({ permissions: wish.permissions });
  });

  test("a repository is not in the installation", async () => {
    await github.uninstall("acme");
    await github.install("acme", { repositories: "selected" });
    const { id } = await github.addRepository({ owner: "acme", name: "api" });
    const owner = { account: "acme", repository: "acme/api" };
    await expect(issuer().token(owner, { ...reading, repositoryIds: [id] })).rejects.toMatchObject(
      refusal("not-found", "does not include acme/api", "Let an owner add it at"),
    );
  });
});

describe("when this machine's clock is wrong", () => {
  test.each([
    ["ahead", hours(2)],
    ["behind", -hours(2)],
  ])(
    "%s, GitHub's counts: tokens are made all the same, last as long as they do, and the log names both times",
    async (way, ms) => {
      clock.set(new Date(startAt.getTime() + ms));
      const tokens = issuer();
      const first = await tokens.token(acme, reading);
      expect(first.expiresAt.getTime() - clock.now().getTime()).toBe(hours(1));
      for (const each of [clock, gitHubClock]) each.advance(hours(1) - 60_000);
      expect((await tokens.token(acme, reading)).token).toBe(first.token);
      expect(warnings).toEqual([
        expect.stringContaining(
          `this machine's clock shows ${new Date(startAt.getTime() + ms).toISOString()}, GitHub's ${startAt.toISOString()}: this machine's is 2 h ${way}. Set it by NTP.`,
        ),
      ]);
    },
  );

  test("a pass that was refused is made again by GitHub's time", async () => {
    clock.set(new Date(startAt.getTime() - hours(2)));
    const tokens = issuer();
    const accepted = async (refused: boolean) => {
      const { jwt } = await tokens.appPass(refused);
      return (await fetch(`${github.apiUrl}/app`, { headers: { authorization: `Bearer ${jwt}` } })).status;
    };
    expect(await accepted(false)).toBe(401);
    expect(await accepted(true)).toBe(200);
    expect(await accepted(false)).toBe(200);
  });
});

test("an App that was installed anew is found under its new id", async () => {
  const tokens = issuer();
  const before = await tokens.token(acme, reading);
  await github.uninstall("acme");
  await github.install("acme");
  const after = await tokens.token(acme, { permissions: { contents: "write" } });
  expect(after.installation).not.toBe(before.installation);
});
