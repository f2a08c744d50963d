import type { Hono } from "hono";
import { attended, timely } from "#shared/artifacts/timely.ts";
import { readBytes } from "#shared/runtime/read-body.ts";
import { admit, jobPath } from "./admit.ts";
import { timelyBody } from "./announced-body.ts";
import { Denied } from "./answer-error.ts";
import type { Desk, JobContext, JobEnv } from "./capabilities.ts";
import { inTurn, turnAt } from "./in-turn.ts";

/** What a Job asks for is a few lines: a commit, and how deep. */
const mostAskedBytes = 1024 * 1024;

/**
 * Git's smart HTTP for the one repository of the Job's execution, read only. Nothing is kept, so asking twice is safe.
 *
 * A request is read whole before the code host is asked, so that a slow Job holds no connection to it; the answer is
 * passed on as it comes.
 */
export function sourceRoutes(app: Hono<JobEnv>, desk: Desk): void {
  const { sourceRelay, fetches, terms, clock } = desk;
  const git = `${jobPath}/source.git`;

  app.use(`${git}/*`, admit(desk, "source"));

  app.get(`${git}/info/refs`, async (context) => {
    refusePush(context.req.query("service"));
    assertVersion2(context);
    const { repository } = context.get("execution");
    const advertised = await inTurn(fetches, () => sourceRelay.advertise(repository, context.req.raw.signal));
    return gitAnswer(Buffer.from(advertised), "application/x-git-upload-pack-advertisement");
  });

  app.post(`${git}/git-upload-pack`, async (context) => {
    assertVersion2(context);
    if (context.req.header("content-type") !== "application/x-git-upload-pack-request") {
      throw new Denied("invalid-request", "This is no request of git's upload-pack.");
    }
    const contentEncoding = encodingOf(context);
    const body = await readBytes(timelyBody(context, desk), mostAskedBytes);
    if (body === undefined) throw new Denied("too-large", `Git may ask with ${mostAskedBytes} bytes at most.`);
    const { repository } = context.get("execution");
    const { signal } = context.req.raw;
    const leave = await turnAt(fetches);
    // A Job may leave before anything of the answer is read, and then nothing of it ends.
    signal.addEventListener("abort", leave, { once: true });
    try {
      const answer = await sourceRelay.uploadPack(repository, { body, contentEncoding, signal });
      const passedOn = pass(context, timely(answer, terms.fetching, clock), leave);
      return gitAnswer(attended(passedOn, terms.fetching.everyMs), "application/x-git-upload-pack-result");
    } catch (error) {
      leave();
      throw error;
    }
  });

  app.post(`${git}/git-receive-pack`, () => {
    throw readOnly();
  });
}

/** The pieces as they come; what became of them is logged, for the Job sees no more than the end of its connection. */
async function* pass(
  context: JobContext,
  answer: AsyncIterable<Uint8Array>,
  leave: () => void,
): AsyncGenerator<Uint8Array> {
  const log = context.get("log");
  let sizeBytes = 0;
  let isWhole = false;
  try {
    for await (const piece of answer) {
      sizeBytes += piece.byteLength;
      yield piece;
    }
    isWhole = true;
  } catch (error) {
    log.warn({ err: error }, "what git asked for broke off");
    throw error;
  } finally {
    leave();
    log.info({ sizeBytes, isWhole }, "passed on what git asked for");
  }
}

/** @throws Denied for everything but reading, pushes by their name. */
function refusePush(service: string | undefined): void {
  if (service === "git-receive-pack") throw readOnly();
  if (service !== "git-upload-pack") throw new Denied("forbidden", "Only git-upload-pack is served.");
}

function readOnly(): Denied {
  return new Denied("forbidden", "A Job's source is read only: nothing can be pushed.");
}

/** Version 2 has no list of all refs in front of everything, and fetches any commit by its SHA. @throws Denied for others. */
function assertVersion2(context: JobContext): void {
  if (context.req.header("git-protocol") === "version=2") return;
  throw new Denied("invalid-request", "Ask with git's protocol version 2: set protocol.version to 2.");
}

/** @throws Denied for a compression that git does not use. */
function encodingOf(context: JobContext): "gzip" | undefined {
  const encoding = context.req.header("content-encoding");
  if (encoding === undefined) return undefined;
  if (encoding === "gzip" || encoding === "x-gzip") return "gzip";
  throw new Denied("invalid-request", "Of content encodings, gzip alone is taken.");
}

function gitAnswer(body: Buffer | ReadableStream, type: string): Response {
  return new Response(body, { headers: { "content-type": type, "cache-control": "no-store" } });
}
