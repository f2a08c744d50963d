import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { run } from "#cli/run.ts";
import { createTestIo } from "#cli/testing/test-io.ts";
import { startWorld, type World } from "./world.ts";

const slow = { timeout: 30_000 };
const secret = "s3cr3t/value+1";
const base64 = Buffer.from(secret).toString("base64");

/** Steps see this folder: a file in it lets them go on. */
let signals: string;
let world: World;
beforeEach(async () => {
  signals = await mkdtemp(join(tmpdir(), "octobatch-signals-"));
  // Steps run as another user.
  await chmod(signals, 0o755);
  world = await startWorld({ secrets: { TOKEN: secret }, environment: { OCTOBATCH_READ_ONLY_DIRECTORIES: signals } });
  await world.github.addOrganization("acme");
  await world.github.addRepository({ owner: "acme", name: "widgets", files: { "README.md": "widgets\n" } });
});
afterEach(async () => {
  await writeFile(join(signals, "go"), "");
  await world.close();
  await rm(signals, { recursive: true });
});

const spec = () => `
version: 1
name: told
on: [{ repository: acme/widgets }]
steps:
  - name: prepare
    image: debian:12
    run: echo quick
  - name: wait
    image: debian:12
    env: { TOKEN: { secret: TOKEN } }
    run: |
      echo first
      printf '%s' "$TOKEN" | cut -c1-6 | tr -d '\\n'
      sleep 0.2
      printf '%s\\n' "$TOKEN" | cut -c7-
      printf '%s' "$TOKEN" | base64
      until [ -e ${signals}/go ]; do sleep 0.05; done
      echo second
      echo x > CHANGED
pullRequest: { title: Told, body: Told }
`;

/** The command, which tells what it has printed. */
function follow() {
  const heard: { text: string; waiting: (() => void)[] } = { text: "", waiting: [] };
  const token = world.environment["OCTOBATCH_API_TOKENS"]?.split(":")[1];
  const io = createTestIo({ env: { OCTOBATCH_URL: world.platform.url, OCTOBATCH_TOKEN: token }, fetch });
  const stdout = {
    ...io.stdout,
    write(data: string | Uint8Array) {
      heard.text += Buffer.from(data).toString();
      for (const wake of heard.waiting.splice(0)) wake();
    },
  };
  const ended = run(["logs", "told", "acme/widgets", "--follow"], { ...io, stdout });
  return {
    ended,
    text: () => heard.text,
    async until(part: string): Promise<void> {
      const tooEarly = ended.then((code) => {
        throw new Error(`It ended with ${code} before ${JSON.stringify(part)}: ${heard.text}${io.printed.err()}`);
      });
      tooEarly.catch(() => {});
      while (!heard.text.includes(part)) {
        await Promise.race([tooEarly, new Promise<void>((resolve) => heard.waiting.push(resolve))]);
      }
    },
  };
}

const rows = () => world.database.database.knex("live_logs").select<{ bytes: Buffer }[]>("bytes");

test("who follows sees the first words before the second are printed, no secret, and all of it in the end", async () => {
  await world.api.apply(spec());
  await world.api.preview("told");
  await expect.poll(async () => (await world.api.status("told")).run?.progress.running, slow).toBe(1);
  const early = follow();
  await early.until("first\n");
  await early.until("***TOKEN***\n***TOKEN***");

  // The step waits for us: what was heard was read from the live logs, and so is what a late follower hears.
  const late = follow();
  await late.until("first\n");
  expect(early.text()).not.toContain("second");
  expect(await world.api.logs("told", "acme/widgets")).toMatchObject({
    status: "running",
    steps: [
      { name: "prepare", status: "ran", log: "quick\n" },
      { name: "wait", status: "running", log: expect.stringMatching(/^first\n\*\*\*TOKEN/) },
    ],
  });
  const kept = Buffer.concat((await rows()).map(({ bytes }) => bytes)).toString();
  expect(kept).toContain("first\n***TOKEN***");
  for (const form of [secret, secret.slice(0, 6), base64.slice(0, 8)]) expect(kept).not.toContain(form);

  await writeFile(join(signals, "go"), "");
  expect([await early.ended, await late.ended]).toEqual([0, 0]);
  await world.settled();
  const finished = (await world.api.logs("told", "acme/widgets")).steps.map(({ log }) => log).join("");
  expect(finished).toMatch(/^quick\nfirst\n[^]*second\n$/);
  expect([early.text(), late.text(), await everything()]).toEqual([finished, finished, finished]);
  expect(await rows()).toEqual([]);
});

/** What one hears who comes when all is over. */
async function everything(): Promise<string> {
  const { ended, text } = follow();
  await ended;
  return text();
}
