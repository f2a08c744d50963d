import type { Hono } from "hono";
import { cacheBlobKey, cacheEntryBytes } from "#shared/artifacts/artifact-name.ts";
import { attended, timely } from "#shared/artifacts/timely.ts";
import { admit, jobPath } from "./admit.ts";
import { announcedBody, announcedSha256 } from "./announced-body.ts";
import { Denied } from "./answer-error.ts";
import type { Desk, JobEnv } from "./capabilities.ts";
import { inTurn } from "./in-turn.ts";
import { keepOnce } from "./keep-once.ts";

/** The step cache: entries by key, each written once by whichever Job has it first. */
export function cacheRoutes(app: Hono<JobEnv>, desk: Desk): void {
  const { blobs, uploads, terms, clock } = desk;
  const path = `${jobPath}/cache/:key`;

  app.get(path, admit(desk, "source"), async (context) => {
    // A blob that is not there throws BlobNotFound, which is answered with 404.
    const { sizeBytes, body } = await blobs.open(blobKey(context.req.param("key")));
    return new Response(attended(timely(body, terms.fetching, clock), terms.fetching.everyMs), {
      headers: {
        "content-type": "application/octet-stream",
        "content-length": String(sizeBytes),
        "cache-control": "no-store",
      },
    });
  });

  app.put(path, admit(desk, "upload"), async (context) => {
    const key = blobKey(context.req.param("key"));
    const sha256 = announcedSha256(context);
    const body = announcedBody(context, desk, cacheEntryBytes);
    return inTurn(uploads, () => keepOnce(context, desk, { key, sha256, body }));
  });
}

function blobKey(key: string): string {
  const found = cacheBlobKey(key);
  if (found === undefined) throw new Denied("not-found", "The key of a cache entry is 64 hex digits in lower case.");
  return found;
}
