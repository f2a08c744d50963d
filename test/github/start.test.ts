import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";

const script = fileURLToPath(new URL("start.ts", import.meta.url));

interface Started {
  /** Resolves with what has been printed so far once it contains the text, or all of it at the end. */
  printed(text: string): Promise<string>;
  /** The exit code. */
  ended(): Promise<number | null>;
  interrupt(): void;
}

async function start(...args: readonly string[]): Promise<Started> {
  const directory = await mkdtemp(join(tmpdir(), "octobatch-start-"));
  const child = spawn(process.execPath, [script, "--directory", directory, "--count", "3", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const closed = once(child, "close");
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await closed;
    await rm(directory, { recursive: true, force: true });
  });
  let output = "";
  const waiting = new Set<() => void>();
  const take = (chunk: Buffer): void => {
    output += chunk.toString("utf8");
    for (const wake of waiting) wake();
  };
  child.stdout.on("data", take);
  child.stderr.on("data", take);
  return {
    printed: (text) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (output.includes(text)) resolve(output);
        };
        waiting.add(look);
        look();
        void closed.then(() => resolve(output));
      }),
    ended: async () => {
      await closed;
      return child.exitCode;
    },
    interrupt: () => child.kill("SIGINT"),
  };
}

it("says where it is and how to use it, and ends cleanly on SIGINT", async () => {
  const started = await start("--port", "0", "--fleet", "2", "--limits", "ghes");
  const text = await started.printed("Ctrl-C");
  const url = /is at (?<url>\S+)/.exec(text)?.groups?.["url"] ?? "";
  expect(await (await fetch(url)).text()).toContain("fleet/repository-00001");
  expect((await fetch(`${url}/api/v3/rate_limit`)).status).toBe(404);
  expect(text).toMatch(/private key\s+\S+app\.private-key\.pem/);
  started.interrupt();
  expect(await started.ended()).toBe(0);
});

it("says which port is in use and what to do", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  // A TCP server's address is an AddressInfo.
  const { port } = server.address() as AddressInfo;
  const started = await start("--port", String(port));
  expect(await started.ended()).toBe(3);
  expect(await started.printed("in use")).toContain(`Port ${port} is in use.`);
});

it("refuses a command line it does not understand", async () => {
  const started = await start("--port", "many");
  expect(await started.ended()).toBe(2);
  expect(await started.printed("See")).toContain("expected a whole number");
});
