// The whole platform in a process that kills itself, as `kill -9` does, right after the n-th effect since it was armed: a
// write that Postgres has committed, a request that GitHub or the tokens function has answered, a blob that is on disk. What
// the broker takes is lost with this process, as if it had never been sent. It tells the process that forked it its address,
// and when asked how many effects there were.
import { subscribe } from "node:diagnostics_channel";
import type { ClientRequest } from "node:http";
import { Client } from "pg";
import { fileURLToPath } from "node:url";
import { allFunctions } from "#functions/all.ts";
import { createFilesystemBlobStore } from "#shared/adapters/filesystem/filesystem-blob-store.ts";
import { systemClock } from "#shared/adapters/system/system-clock.ts";
import { startLocalPlatform } from "#shared/runtime/local-platform.ts";
import { createLogger } from "#shared/runtime/logger.ts";

let crashAfter = Infinity;
let effects = 0;

function effect(): void {
  effects += 1;
  if (effects === crashAfter) process.kill(process.pid, "SIGKILL");
}

/**
 * Counts what Postgres has committed: transactions that wrote, and writes outside of one. What paces is left out: it is
 * written before and after every request, which are effects themselves, and a turn that is lost is given back at the start.
 */
function watchPostgres(): void {
  const prototype = Client.prototype as unknown as { query: (...args: unknown[]) => unknown };
  const { query } = prototype;
  /** Whether the transaction of a connection has written. */
  const transactions = new WeakMap<object, { wrote: boolean }>();
  prototype.query = function watched(this: object, ...args: unknown[]): unknown {
    const text = textOf(args[0]);
    if (/^\s*BEGIN/i.test(text)) transactions.set(this, { wrote: false });
    const transaction = transactions.get(this);
    const writes =
      /^\s*(INSERT|UPDATE|DELETE|WITH|SELECT .+ FROM claim_due_tasks)/i.test(text) &&
      !/^\s*\w+ (INTO )?pacing\b/i.test(text);
    if (transaction !== undefined && writes) transaction.wrote = true;
    const isCommit = /^\s*COMMIT/i.test(text);
    const counts = transaction === undefined ? writes : isCommit && transaction.wrote;
    if (isCommit || /^\s*ROLLBACK;?\s*$/i.test(text)) transactions.delete(this);
    const callback = args.at(-1);
    if (counts && typeof callback === "function") {
      args[args.length - 1] = (error: unknown, ...rest: unknown[]): void => {
        if (!error) effect();
        Reflect.apply(callback, undefined, [error, ...rest]);
      };
    }
    return Reflect.apply(query, this, args);
  };
}

/** pg takes the statement as text or as an object with it. */
function textOf(statement: unknown): string {
  if (typeof statement === "string") return statement;
  const holder = typeof statement === "object" && statement !== null ? statement : {};
  return "text" in holder && typeof holder.text === "string" ? holder.text : "";
}

/** Counts what was answered to anything but a read: GitHub is asked by `http`, the tokens function by `fetch`. */
function watchRequests(): void {
  subscribe("http.client.response.finish", (message) => {
    // https://nodejs.org/api/diagnostics_channel.html#http
    const { request } = message as { readonly request: ClientRequest };
    if (request.method !== "GET") effect();
  });
  const { fetch } = globalThis;
  globalThis.fetch = async (...args) => {
    const response = await fetch(...args);
    const method = args[1]?.method ?? (args[0] instanceof Request ? args[0].method : "GET");
    if (method !== "GET") effect();
    return response;
  };
}

watchPostgres();
watchRequests();
const blobs = createFilesystemBlobStore({ directory: process.env["OCTOBATCH_BLOB_DIRECTORY"] ?? "" });
const platform = await startLocalPlatform({
  functions: allFunctions,
  environment: process.env,
  manifestsDirectory: fileURLToPath(new URL("../../knative", import.meta.url)),
  port: 0,
  clock: systemClock,
  log: createLogger(process.env["OCTOBATCH_TEST_LOG_LEVEL"] ?? "silent"),
  alone: true,
  overrides: {
    blobs: {
      ...blobs,
      async put(...args) {
        const answer = await blobs.put(...args);
        effect();
        return answer;
      },
    },
  },
});
process.send?.({ url: platform.url });
process.on("message", (message) => {
  if (message === "count") process.send?.({ effects });
  if (typeof message === "number") {
    effects = 0;
    crashAfter = message;
    process.send?.("armed");
  }
  if (message === "end") void platform.close().then(() => process.disconnect?.());
});
