import { createHash } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { JobDirection } from "#shared/artifacts/job-token.ts";
import type { LiveStepEnd } from "#shared/ports/live-logs.ts";

/** The artifacts service did not take it, and will not. */
export class HandingInFailed extends Error {
  override readonly name = "HandingInFailed";
}

/** What a Job hands in, and what it reads of earlier ones, under its tokens. Every method may be called again for the same thing. */
export interface ArtifactsClient {
  /** Below the attempt's prefix. @throws HandingInFailed */
  put(name: string, bytes: Uint8Array): Promise<void>;
  /** The result, last. One that is there already counts as handed in. @throws HandingInFailed */
  putResult(bytes: Uint8Array): Promise<void>;
  /** A piece of a step's log for those who watch; nobody minds when it is lost. */
  follow(step: number, offset: number, bytes: Uint8Array, end?: LiveStepEnd): Promise<void>;
  /** An entry of the step cache, by its key; undefined when it is not there. @throws Error when nobody can say. */
  getCached(key: string): Promise<Uint8Array | undefined>;
  /** Tried once. One that is there already counts as kept. @throws HandingInFailed */
  putCached(key: string, bytes: Uint8Array): Promise<void>;
}

/** Half a second at first, doubling to 20: about two and a half minutes in all. */
const backoffsMs = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000, 20_000, 20_000, 20_000];
const requestTimeoutMs = 120_000;
const followTimeoutMs = 5_000;

export function createArtifactsClient(options: {
  readonly url: string;
  readonly executionId: string;
  readonly attempt: number;
  readonly tokens: Readonly<Record<JobDirection, string>>;
}): ArtifactsClient {
  const base = `${options.url.replace(/\/+$/, "")}/jobs/${options.executionId}/${options.attempt}`;
  const authorizations = { source: `Bearer ${options.tokens.source}`, upload: `Bearer ${options.tokens.upload}` };

  /** @param persistence How long to wait before each further try. */
  async function put(
    path: string,
    bytes: Uint8Array,
    { alsoFine = [], persistence = backoffsMs }: { alsoFine?: readonly number[]; persistence?: readonly number[] } = {},
  ): Promise<void> {
    const headers = {
      authorization: authorizations.upload,
      "x-octobatch-sha256": createHash("sha256").update(bytes).digest("hex"),
    };
    let said = "";
    for (const backoffMs of [...persistence, undefined]) {
      try {
        const body = new Uint8Array(bytes);
        const signal = AbortSignal.timeout(requestTimeoutMs);
        const response = await fetch(`${base}/${path}`, { method: "PUT", headers, body, signal });
        const text = await response.text();
        if (response.ok || alsoFine.includes(response.status)) return;
        said = `status ${response.status}: ${text.slice(0, 300)}`;
        if (response.status < 500 && response.status !== 408 && response.status !== 429) break;
      } catch (error) {
        said =
          error instanceof Error
            ? `${error.message} ${error.cause instanceof Error ? error.cause.message : ""}`
            : String(error);
      }
      if (backoffMs !== undefined) await wait(backoffMs);
    }
    throw new HandingInFailed(`The artifacts service does not take ${path}: ${said}`);
  }

  return {
    put: (name, bytes) => put(`artifacts/${name}`, bytes),
    putResult: (bytes) => put("artifacts/result.json", bytes, { alsoFine: [409] }),
    async getCached(key) {
      const headers = { authorization: authorizations.source };
      const response = await fetch(`${base}/cache/${key}`, { headers, signal: AbortSignal.timeout(requestTimeoutMs) });
      if (response.ok) return new Uint8Array(await response.arrayBuffer());
      const said = await response.text();
      if (response.status === 404) return undefined;
      throw new Error(`status ${response.status}: ${said.slice(0, 300)}`);
    },
    putCached: (key, bytes) => put(`cache/${key}`, bytes, { alsoFine: [409], persistence: [] }),
    async follow(step, offset, bytes, end) {
      const query = new URLSearchParams({ at: String(offset) });
      if (end !== undefined) {
        query.set("status", end.status);
        query.set("durationMs", String(Math.round(end.durationMs)));
        if (end.exitCode !== undefined) query.set("exitCode", String(end.exitCode));
      }
      await fetch(`${base}/steps/${step}/log?${query.toString()}`, {
        method: "POST",
        headers: { authorization: authorizations.upload },
        body: new Uint8Array(bytes),
        signal: AbortSignal.timeout(followTimeoutMs),
      });
    },
  };
}
