import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { changesetNudged } from "#eventing/changeset.ts";
import { selectionPageRequested } from "#eventing/selection.ts";
import { writeEvent } from "#shared/adapters/knative/cloud-events.ts";
import { createStores } from "#shared/adapters/postgres/stores.ts";
import { taskFor } from "#shared/task/task.ts";
import { testDatabase, type TestDatabase } from "#shared/testing/postgres.ts";
import { startHttpServer, type HttpServer } from "./http-server.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));

interface Served {
  readonly child: ChildProcess;
  readonly lines: Readonly<Record<string, unknown>>[];
  /** The next line with this message. */
  line(message: string): Promise<Readonly<Record<string, unknown>>>;
  readonly ended: Promise<number | null>;
}

let database: TestDatabase;
let broker: HttpServer;
let directory: string;
let announced: string[];
const children: ChildProcess[] = [];

/** Starts a function as its Service does, with nothing in its environment but what is given. */
function start(name: string, environment: Readonly<Record<string, string>>): Served {
  const child = spawn(process.execPath, [`functions/${name}/${name}.ts`], {
    cwd: root,
    env: { PATH: process.env["PATH"] ?? "", PORT: "0", ...environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const lines: Readonly<Record<string, unknown>>[] = [];
  const waiting: { message: string; found: (line: Readonly<Record<string, unknown>>) => void }[] = [];
  createInterface({ input: child.stdout }).on("line", (text) => {
    // A function writes nothing but JSON objects.
    const line = JSON.parse(text) as Readonly<Record<string, unknown>>;
    lines.push(line);
    for (const { message, found } of waiting) if (line["msg"] === message) found(line);
  });
  return {
    child,
    lines,
    line: (message) => new Promise((found) => waiting.push({ message, found })),
    ended: once(child, "close").then(([code]) => (typeof code === "number" ? code : null)),
  };
}

beforeEach(async () => {
  announced = [];
  database = await testDatabase();
  directory = await mkdtemp(join(tmpdir(), "octobatch-serve-"));
  broker = await startHttpServer(
    async (request) => {
      announced.push(request.headers.get("ce-id") ?? "");
      return new Response(null, { status: 202 });
    },
    0,
    "127.0.0.1",
  );
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await broker.close(0);
  await rm(directory, { recursive: true, force: true });
  await database.drop();
});
const settings = () => ({
  DATABASE_URL: database.url,
  K_SINK: `http://127.0.0.1:${broker.port}/`,
  // Nobody answers there: what asks GitHub waits.
  OCTOBATCH_TOKENS_URL: "http://127.0.0.1:1",
  OCTOBATCH_TOKENS_CREDENTIAL: "keeper:a-secret-for-tests-only",
  OCTOBATCH_BLOB_DIRECTORY: directory,
});

describe("a function as Knative runs it", () => {
  test("says which port it took, handles an event, announces what is due, and ends with 0 on SIGTERM", async () => {
    const { tasks } = createStores(database.database.knex, []);
    const now = new Date();
    const where = { organization: "acme", notBefore: now, dedupe: [] };
    const due = taskFor(changesetNudged, { changesetId: "c-1" }, where);
    await tasks.addAll([due], now);

    const served = start("tick", settings());
    const { port } = await served.line("ready");
    const event = { id: "1", source: "/test", type: "dev.knative.sources.ping", time: now, data: {} };
    const answer = await fetch(`http://127.0.0.1:${Number(port)}/`, { method: "POST", ...writeEvent(event) });
    expect([answer.status, await answer.text()]).toEqual([202, ""]);
    served.child.kill("SIGTERM");
    expect(await served.ended).toBe(0);
    expect(announced).toEqual([due.id]);
    expect(await tasks.find(due.id)).toMatchObject({ state: "sent" });
  });

  test("is healthy while its Postgres answers, and says so by name", async () => {
    const served = start("bury", settings());
    const { port } = await served.line("ready");
    const health = await fetch(`http://127.0.0.1:${Number(port)}/healthz`);
    expect([health.status, await health.json()]).toEqual([200, { postgres: "ok" }]);
  });
});

describe("a function that cannot start", () => {
  test("without settings ends with 78 and one line that names each of them, those of its needs included", async () => {
    const served = start("receive-webhook", {});
    expect(await served.ended).toBe(78);
    expect(served.lines).toMatchObject([{ level: "fatal" }]);
    const message = String(served.lines[0]?.["msg"]);
    for (const name of ["DATABASE_URL", "K_SINK", "OCTOBATCH_GITHUB_WEBHOOK_SECRET"]) expect(message).toContain(name);
  });

  test("for a log level that does not exist ends with 78 and says which exist", async () => {
    const served = start("tick", { ...settings(), OCTOBATCH_LOG_LEVEL: "loud" });
    expect(await served.ended).toBe(78);
    expect(String(served.lines[0]?.["msg"])).toContain("OCTOBATCH_LOG_LEVEL");
  });

  test("on a port that is in use ends with 69 and the remedy, and without the password of its database", async () => {
    const taken = createServer().listen(0, "0.0.0.0");
    await once(taken, "listening");
    // A listening TCP server has an address of this type.
    const { port } = taken.address() as AddressInfo;
    const served = start("tick", { ...settings(), PORT: String(port) });
    expect(await served.ended).toBe(69);
    taken.close();
    expect(String(served.lines[0]?.["msg"])).toContain(`Port ${port} on 0.0.0.0 is in use`);
    expect(JSON.stringify(served.lines)).not.toContain(database.url);
  });
});

test("importing a function starts nothing", async () => {
  const { selectPage } = await import("#functions/select-page/select-page.ts");
  expect(selectPage).toMatchObject({ kind: "event", name: "select-page", on: selectionPageRequested });
});
