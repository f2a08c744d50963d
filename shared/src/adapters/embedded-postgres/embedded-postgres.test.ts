import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { Client } from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { findPostgresBinaries } from "./binaries.ts";
import { EmbeddedPostgresUnavailable } from "./embedded-postgres-unavailable.ts";
import {
  startAs,
  startEmbeddedPostgres,
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
} from "./embedded-postgres.ts";
import { chooseIdentity, launchPostgres, otherUid, otherUser, type Launch } from "./identity.ts";
import { endOrphans, readPostmasterFile } from "./server-processes.ts";
import { serverSettings } from "./server-settings.ts";

const isRoot = process.getuid?.() === 0;

let template: string;
let directory: string;
let data: string;
let started: EmbeddedPostgres[];
let children: ChildProcess[];

// Making a database takes a second: most tests begin with a copy of one.
beforeAll(async () => {
  template = await mkdtemp(path.join(tmpdir(), "octobatch-embedded-"));
  await (await startEmbeddedPostgres({ directory: template, durable: false })).stop();
});
afterAll(() => rm(template, { recursive: true, force: true }));

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "octobatch-embedded-"));
  data = path.join(directory, "data");
  started = [];
  children = [];
});
afterEach(async () => {
  await Promise.all(children.map(kill));
  await Promise.all(started.map((server) => server.stop()));
  await endOrphans(data, () => {});
  await rm(directory, { recursive: true, force: true, maxRetries: 10 });
});

async function start(options: Partial<EmbeddedPostgresOptions> = {}): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ directory, durable: false, ...options });
  started.push(server);
  return server;
}

/** Puts a whole database into the folder, as an earlier start would have left it. */
async function prepare(): Promise<void> {
  await promisify(execFile)("cp", ["--archive", path.join(template, "data"), data]);
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows.map((row) => Object.values(row)[0]);
  } finally {
    await client.end();
  }
}

/** A process that starts a server and keeps it. `until` is what to wait for in its output. */
async function holder(
  until: RegExp,
  by: Launch = { file: process.execPath, args: [] },
): Promise<[ChildProcess, string]> {
  const program = `
    import { startEmbeddedPostgres } from ${JSON.stringify(new URL("embedded-postgres.ts", import.meta.url).href)};
    const server = await startEmbeddedPostgres({ directory: ${JSON.stringify(directory)}, durable: false, log: console.log });
    console.log(server.url);
    setInterval(() => {}, 60_000);`;
  const child = spawn(by.file, [...by.args, "--input-type=module", "--eval", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  let output = "";
  for await (const chunk of child.stdout.setEncoding("utf8").iterator({ destroyOnReturn: false })) {
    output += String(chunk);
    if (until.test(output)) return [child, output];
  }
  throw new Error(`The process ended: ${output}`);
}

const anUrl = /postgres:\S+(?=\n)/;

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

test("keeps its data between runs", async () => {
  const first = await start({ durable: true });
  await query(first.url, "CREATE TABLE kept AS SELECT 42 AS answer");
  await first.stop();
  await first.stop();
  const second = await start({ durable: true });
  expect(await query(second.url, "SELECT answer FROM kept")).toEqual([42]);
  expect(await query(second.url, "SHOW server_encoding")).toEqual(["UTF8"]);
});

test("lets in its owner only, who alone can read the password", async () => {
  await prepare();
  const { url } = await start();
  const wrong = new URL(url);
  wrong.password = "wrong";
  await expect(query(wrong.href, "SELECT 1")).rejects.toThrow(/password authentication failed/);
  const modes = await Promise.all([data, path.join(data, "octobatch-password")].map((file) => stat(file)));
  expect(modes.map(({ mode }) => mode & 0o777)).toEqual([0o700, 0o600]);
  expect(new URL(url).hostname).toBe("127.0.0.1");
});

test("works in a folder whose path is longer than a socket's may be", async () => {
  const deep = path.join(directory, ...Array.from({ length: 10 }, () => "a folder's long name"));
  const server = await start({ directory: deep });
  expect(await query(server.url, "SELECT 1")).toEqual([1]);
  await server.stop();
});

test("refuses a second start in the same folder, naming the process that has it", async () => {
  await prepare();
  const [child] = await holder(anUrl);
  await expect(start()).rejects.toThrow(`The Postgres in ${directory} is in use by process ${child.pid}.`);
  await kill(child);
  const own = await start();
  await expect(start()).rejects.toThrow(`in use by process ${process.pid}.`);
  expect(await query(own.url, "SELECT 1")).toEqual([1]);
});

test("survives the kill of its process, with every committed row", async () => {
  await prepare();
  const [child, output] = await holder(anUrl);
  const url = anUrl.exec(output)?.[0] ?? "";
  await query(url, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n");
  await kill(child);
  const server = await start();
  expect(await query(server.url, "SELECT count(*)::integer FROM kept")).toEqual([1000]);
});

test("stops an orphan of an earlier process and takes its place", async () => {
  await prepare();
  const { postgres } = await findPostgresBinaries();
  const { file, args } = launchPostgres(await chooseIdentity(), postgres, [
    "-D",
    data,
    ...serverSettings(await takenPort(), false),
  ]);
  const orphan = spawn(file, args, { stdio: "ignore" });
  children.push(orphan);
  const exited = once(orphan, "exit");
  while ((await readPostmasterFile(data))?.ready !== true) await new Promise(setImmediate);

  const log: string[] = [];
  const server = await start({ log: (message) => log.push(message) });
  await exited;
  expect(log[0]).toMatch(
    new RegExp(`^stopping the Postgres that an earlier process left behind .*\\b${orphan.pid}\\b`),
  );
  expect(await query(server.url, "SELECT 1")).toEqual([1]);
});

/** A port that was free a moment ago. */
async function takenPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = portOf(server.address());
  server.close();
  await once(server, "close");
  return port;
}

function portOf(address: unknown): number {
  return (address as { port: number }).port; // what a TCP server answers
}

test("is not kept out by the pid of an earlier server that somebody else has by now", async () => {
  await prepare();
  await writeFile(path.join(data, "postmaster.pid"), `${process.pid}\n${data}\n`);
  const server = await start();
  expect(await query(server.url, "SELECT 1")).toEqual([1]);
});

test("runs again on the same port when the server itself is killed", async () => {
  await prepare();
  let tell: (message: string) => void = () => {};
  const runsAgain = new Promise<string>((resolve) => {
    tell = (message) => message.includes("runs again") && resolve(message);
  });
  const server = await start({ log: (message) => tell(message) });
  await query(server.url, "CREATE TABLE kept AS SELECT 42 AS answer");
  const pid = (await readPostmasterFile(data))?.pid ?? Number.NaN;
  process.kill(pid, "SIGKILL");
  expect(await runsAgain).toContain(new URL(server.url).port);
  expect(await query(server.url, "SELECT answer FROM kept")).toEqual([42]);
});

test("begins anew after a crash while the database was made", async () => {
  const [child] = await holder(/making a new database/);
  await kill(child);
  await mkdir(path.join(directory, "initializing-older"), { recursive: true });
  const server = await start();
  expect(await query(server.url, "SELECT 1")).toEqual([1]);
  expect((await readdir(directory)).filter((name) => name.startsWith("initializing-"))).toEqual([]);
});

test("listens on the port that is asked for, and says so when it is taken", async () => {
  await prepare();
  const squatter = createServer().listen(0, "127.0.0.1");
  await once(squatter, "listening");
  const port = portOf(squatter.address());
  await expect(start({ port })).rejects.toThrow(`Port ${port} is in use.`);
  squatter.close();
  await once(squatter, "close");
  const server = await start({ port });
  expect(new URL(server.url).port).toBe(String(port));
});

test("refuses the data of another version of Postgres", async () => {
  await prepare();
  await writeFile(path.join(data, "PG_VERSION"), "17\n");
  await expect(start()).rejects.toThrow(/data was made by Postgres 17, and this is Postgres 18\. Dump it/);
});

test("says what to do when the folder cannot be one", async () => {
  await writeFile(data, "a file");
  await expect(start({ directory: data })).rejects.toThrow(
    /^The folder .* cannot hold a database: EEXIST.* Use another directory, or set DATABASE_URL\.$/,
  );
});

test("says what to do when the password is gone", async () => {
  await prepare();
  await rm(path.join(data, "octobatch-password"));
  await expect(start()).rejects.toThrow(
    /password of the database .* is missing \(octobatch-password\)\. Put the file back/,
  );
});

test("shows the server's own words when it does not start", async () => {
  await prepare();
  await rm(path.join(data, "global"), { recursive: true });
  const error = await start().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(EmbeddedPostgresUnavailable);
  expect(String(error)).toMatch(/does not start:\n[^]*global[^]*postgres\.log/);
  expect(await readFile(path.join(directory, "postgres.log"), "utf8")).toContain("global");
});

test.skipIf(!isRoot)("runs as another user where root may not make namespaces, and takes the data along", async () => {
  const options = { directory, durable: false };
  await prepare();
  for (const identity of [otherUser(), await chooseIdentity()]) {
    const server = await startAs(identity, options);
    started.push(server);
    await query(server.url, "CREATE TABLE IF NOT EXISTS kept ()");
    await server.stop();
    expect((await stat(data)).uid).toBe(identity.kind === "other" ? otherUid : 0);
  }
});

// Only root can become others; when a normal user runs the tests, all of the above is this test.
test.skipIf(!isRoot).each([
  ["listed in /etc/passwd", 1],
  ["without a name", 54_321],
])("works for a normal user %s", async (_kind, uid) => {
  const become = ["--reuid", String(uid), "--regid", String(uid), "--clear-groups", process.execPath];
  await promisify(execFile)("setpriv", [
    ...become,
    "--check",
    new URL("embedded-postgres.ts", import.meta.url).pathname,
  ]);
  await chown(directory, uid, uid);
  const [child, output] = await holder(anUrl, { file: "setpriv", args: become });
  expect(await query(anUrl.exec(output)?.[0] ?? "", "SELECT 1")).toEqual([1]);
  expect((await stat(data)).uid).toBe(uid);
  await kill(child);
  await expect(start()).rejects.toThrow(`${data} belongs to user ${uid}, and this is user 0.`);
});
