import { execFile } from "node:child_process";
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv, promisify } from "node:util";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { createAppSigner } from "#shared/adapters/github/app-jwt.ts";
import { readSettings } from "#shared/runtime/config.ts";
import { startGitHub } from "#test/github/local-github.ts";
import { exitCodes } from "../exit-codes.ts";
import { Interruption } from "../io.ts";
import { run } from "../run.ts";
import { createTestIo } from "../testing/test-io.ts";
import { createApp, type WantedApp } from "./create-app.ts";
import { gitHubArgument } from "./arguments.ts";
import { makeApp, readForm, submit, visit } from "./testing/browser.ts";

const root = await mkdtemp(join(tmpdir(), "octobatch-app-"));
const github = await startGitHub({ directory: join(root, "github") });
await github.addOrganization("acme");
afterAll(async () => {
  await github.close();
  await rm(root, { recursive: true });
});

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(root, "work-"));
});

const publicUrl = "https://octobatch.example.com";

/** Somebody at the browser, and at the keyboard. */
type Person = (address: string, interrupt: () => void) => Promise<unknown>;

/** Runs `app create` while a person does something with the address that it shows. */
async function create(more: readonly string[], person: Person, ask = globalThis.fetch) {
  const io = createTestIo({
    cwd,
    fetch: ask,
    meanwhile: async () => {
      const [address = ""] = /http:\/\/127\.0\.0\.1:\d+\/[\w-]+/u.exec(io.printed.err()) ?? [];
      await person(address, () => io.interrupt(new Interruption("SIGINT")));
    },
  });
  const argv = ["app", "create", "--public-url", publicUrl, "--github", github.url, "--no-open", ...more];
  const code = await run(argv, io);
  return { code, out: io.printed.out(), err: io.printed.err() };
}

const inOrganization = ["--organization", "acme"];

describe("a person who goes through with it", () => {
  test("gets a file that a shell reads, whose key works, and no secret is shown", async () => {
    const pages: string[] = [];
    const { code, out, err } = await create(inOrganization, async (address) => {
      pages.push((await visit(address)).page, (await makeApp(address)).page);
    });
    expect([code, err]).toEqual([exitCodes.ok, expect.not.stringContaining("octobatch:")]);
    const file = join(cwd, "octobatch-app.env");
    expect((await stat(file)).mode & 0o777).toBe(0o600);

    const script = 'set -a; . "$1"; node -e "console.log(JSON.stringify(process.env))"';
    const { stdout } = await promisify(execFile)("sh", ["-c", script, "sh", file]);
    const read = readSettings(JSON.parse(stdout), [
      "OCTOBATCH_PUBLIC_URL",
      "OCTOBATCH_GITHUB_API_URL",
      "OCTOBATCH_GITHUB_APP_ID",
      "OCTOBATCH_GITHUB_PRIVATE_KEY",
      "OCTOBATCH_GITHUB_WEBHOOK_SECRET",
    ]);
    expect(parseEnv(await readFile(file, "utf8"))).toEqual(read);
    expect(read).toMatchObject({
      OCTOBATCH_PUBLIC_URL: publicUrl,
      OCTOBATCH_GITHUB_WEBHOOK_SECRET: github.app.webhookSecret,
    });
    const { jwt } = createAppSigner({
      appId: read.OCTOBATCH_GITHUB_APP_ID,
      privateKey: read.OCTOBATCH_GITHUB_PRIVATE_KEY,
      clock: { now: () => new Date() },
      logger: { warn: () => {} },
    }).sign();
    const asApp = await fetch(`${read.OCTOBATCH_GITHUB_API_URL}/app`, { headers: { authorization: `Bearer ${jwt}` } });
    expect(await asApp.json()).toMatchObject({ name: "Octobatch acme", permissions: { pull_requests: "write" } });

    const told = [out, err, ...pages].join("\n");
    const [, clientSecret = ""] = /client secret (\w+)/u.exec(await readFile(file, "utf8")) ?? [];
    const keyLines = github.app.privateKey.split("\n").filter((line) => line !== "" && !line.startsWith("-----"));
    for (const secret of [clientSecret, github.app.webhookSecret, ...keyLines]) {
      expect(secret.length).toBeGreaterThan(3);
      expect(told).not.toContain(secret);
    }
    expect(out).toContain(`1. Install it: ${github.url}/apps/octobatch-acme/installations/new\n`);
    expect(out).toContain(`${github.url}/organizations/acme/settings/apps/octobatch-acme\n`);
    expect(pages[1]).toContain("/apps/octobatch-acme/installations/new");
  });

  test("gets one JSON document, and the address in a line of its own", async () => {
    const { code, out, err } = await create([...inOrganization, "--json", "--out", "x.env"], makeApp);
    expect(code).toBe(exitCodes.ok);
    expect(JSON.parse(err)).toEqual({ open: expect.stringMatching(/^http:\/\/127\.0\.0\.1:/u) });
    expect(JSON.parse(out)).toEqual({
      app: {
        id: github.app.id,
        clientId: github.app.clientId,
        slug: "octobatch-acme",
        name: "Octobatch acme",
        url: `${github.url}/apps/octobatch-acme`,
        installUrl: `${github.url}/apps/octobatch-acme/installations/new`,
        settingsUrl: `${github.url}/organizations/acme/settings/apps/octobatch-acme`,
        hasWebhookSecret: true,
      },
      format: "env",
      file: join(cwd, "x.env"),
    });
  });

  test("may be hostile in the App's name: it stays text", async () => {
    const name = `"><script>alert('1')</script>&`;
    const { code } = await create(["--name", name], async (address) => {
      const { page } = await visit(address);
      expect(page).toContain("&lt;script&gt;alert");
      expect(page).not.toContain("<script>alert");
      expect((await makeApp(address)).page).not.toContain("<script>alert");
    });
    expect([code, github.app.name]).toEqual([exitCodes.ok, name]);
  });

  test("asks for the permissions and webhooks that the options name", async () => {
    const asked: unknown[] = [];
    const watch = async (address: string) => {
      const form = await readForm(address);
      asked.push(JSON.parse(form.fields.get("manifest") ?? ""));
      await visit(await submit(form));
    };
    await create(["--with", "workflows,merge_queues", "--out", "a"], watch);
    await create(["--no-webhooks", "--out", "b"], watch);
    expect(asked).toMatchObject([
      {
        hook_attributes: { url: `${publicUrl}/webhooks/github`, active: true },
        default_permissions: { contents: "write", workflows: "write", merge_queues: "read" },
      },
      { default_events: [] },
    ]);
    expect(asked[1]).not.toHaveProperty("hook_attributes");
  });
});

describe("when it does not come to an App", () => {
  test("a file that is there stays as it is, and GitHub is not asked", async () => {
    await writeFile(join(cwd, "octobatch-app.env"), "precious");
    const requests = github.requests.length;
    const { code, err } = await create([], makeApp);
    expect([code, err]).toEqual([exitCodes.usage, expect.stringMatching(/there already.*\n.*--out/u)]);
    expect(err).not.toContain("http://");
    expect(await readFile(join(cwd, "octobatch-app.env"), "utf8")).toBe("precious");
    expect(github.requests).toHaveLength(requests);
  });

  test("a code that somebody else has used is refused, and both the browser and the terminal say what to do", async () => {
    const pages: string[] = [];
    const { code, err } = await create(inOrganization, async (address) => {
      const back = await submit(await readForm(address));
      const conversion = `${github.apiUrl}/app-manifests/${back.searchParams.get("code")}/conversions`;
      await fetch(conversion, { method: "POST" });
      pages.push((await visit(back)).page);
    });
    expect(code).toBe(exitCodes.refused);
    for (const text of [err, ...pages]) {
      expect(text).toContain("used already, or is older than an hour");
      expect(text).toContain(`Delete it at ${github.url}/organizations/acme/settings/apps`);
    }
    expect(await readdir(cwd)).toEqual([]);
  });

  test("it ends when nobody comes back in time, and leaves no file", async () => {
    const { code, err } = await create(["--timeout", "90s"], (address) => visit(address));
    expect([code, err]).toEqual([exitCodes.timedOut, expect.stringContaining("--timeout")]);
    expect(await readdir(cwd)).toEqual([]);
  });

  test("it ends on Ctrl-C, says what may be left on GitHub, and leaves no file", async () => {
    const { code, err } = await create([], async (_, interrupt) => interrupt());
    expect([code, err]).toEqual([
      exitCodes.interrupted,
      expect.stringMatching(/Interrupted\.\nNothing was written.*\/settings\/apps/u),
    ]);
    expect(await readdir(cwd)).toEqual([]);
  });

  test("a Ctrl-C while GitHub answers waits for the secrets, which it tells once", async () => {
    let interruptNow = () => {};
    const person: Person = (address, interrupt) => {
      interruptNow = interrupt;
      return makeApp(address);
    };
    const { code } = await create([], person, (...request) => {
      interruptNow();
      return fetch(...request);
    });
    expect([code, await readdir(cwd)]).toEqual([exitCodes.ok, ["octobatch-app.env"]]);
  });

  test("a disk that is full is told with where to make a new key, and without the secrets", async () => {
    const io = createTestIo({ fetch: globalThis.fetch, meanwhile: () => shown });
    let shown: Promise<void> | undefined;
    const wanted: WantedApp = {
      name: "Full",
      publicUrl,
      webhooks: true,
      extra: [],
      owner: "acme",
      format: "env",
      port: 0,
      timeoutMs: 1000,
      site: gitHubArgument(github.url),
      file: {
        path: "/full/app.env",
        write: () => Promise.reject(Object.assign(new Error("no"), { code: "ENOSPC" })),
        close: async () => {},
      },
    };
    const failure = createApp(wanted, io, async (address) => {
      shown = makeApp(address).then(({ page }) => expect(page).not.toContain(github.app.webhookSecret));
    });
    await expect(failure).rejects.toMatchObject({
      message: expect.stringMatching(/^GitHub has made the App Full \(id \d+\), but \/full\/app\.env .*ENOSPC/u),
      remedy: expect.stringContaining(`${github.url}/organizations/acme/settings/apps/full`),
    });
  });
});

test("webhooks to this machine are refused before GitHub would, unless GitHub is on it too", async () => {
  const io = createTestIo({ cwd });
  const argv = ["app", "create", "--public-url", "http://localhost:8080"];
  expect(await run(argv, io)).toBe(exitCodes.usage);
  expect(io.printed.err()).toContain("--no-webhooks");
  expect(await readdir(cwd)).toEqual([]);
});
