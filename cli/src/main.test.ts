import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RepositoryView, Status } from "./api-client.ts";
import { exitCodes } from "./exit-codes.ts";

const main = fileURLToPath(new URL("main.ts", import.meta.url));

const campaign = { name: "x", status: "active", currentVersion: 1, createdAt: "2026-03-04T05:06:07Z" } as const;
const run: NonNullable<Status["run"]> = {
  campaign: "x",
  number: 1,
  specVersion: 1,
  requestedBy: "ada",
  requestedAt: "2026-03-04T05:06:07Z",
  selectionComplete: false,
  finished: false,
  progress: { seen: 0, selected: 0, pending: 0, running: 0, noChange: 0, patches: 0, failed: 0, cancelled: 0 },
};
/** More than a pipe holds. */
const repositories = Array.from({ length: 5000 }, (_, index): RepositoryView => ({
  fullName: `acme/r-${index}`,
  standing: "pending",
  because: "it belongs to acme",
}));
const answers: Readonly<Record<string, unknown>> = {
  "GET /api/v1/campaigns": { campaigns: [campaign] },
  "GET /api/v1/campaigns/x": { campaign, run, standings: { pending: 5000 }, deadTasks: [] } satisfies Status,
  "POST /api/v1/campaigns/x/previews": { started: true, run },
  "GET /api/v1/campaigns/x/repositories": { repositories },
};

let server: Server;

beforeAll(async () => {
  server = createServer((request, response) => {
    const path = request.url?.replace(/\?.*$/u, "") ?? "";
    response.end(JSON.stringify(answers[`${request.method} ${path}`]));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});

afterAll(() => {
  server.close();
  server.closeAllConnections();
});

/** Starts the real command as a process of its own. */
function start(...argv: string[]) {
  // A TCP server that listens has an address of this type.
  const { port } = server.address() as AddressInfo;
  const child = spawn(process.execPath, [main, ...argv], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"], OCTOBATCH_URL: `http://127.0.0.1:${port}`, OCTOBATCH_TOKEN: "t" },
  });
  return { child, ended: once(child, "exit") };
}

test("the process prints its result and ends", async () => {
  const { child, ended } = start("campaigns", "--json");
  expect(JSON.parse(await text(child.stdout))).toEqual({ campaigns: [campaign] });
  expect(await ended).toEqual([exitCodes.ok, null]);
});

test("the process ends with the code of what went wrong", async () => {
  const { child, ended } = start("status");
  expect(await text(child.stderr)).toContain("missing required argument");
  expect(await ended).toEqual([exitCodes.usage, null]);
});

test("a reader that has seen enough ends it quietly", async () => {
  const { child, ended } = start("status", "x", "--all");
  const errors = text(child.stderr);
  await once(child.stdout, "data");
  child.stdout.destroy();
  expect(await ended).toEqual([exitCodes.ok, null]);
  expect(await errors).toBe("");
});

test("a signal ends the waiting in an orderly way", async () => {
  const { child, ended } = start("preview", "x");
  await once(child.stderr, "data");
  const rest = text(child.stderr);
  child.kill("SIGINT");
  expect(await ended).toEqual([exitCodes.interrupted, null]);
  expect(await rest).toContain("Interrupted.");
});
