import { createHash } from "node:crypto";
import type { BlobStore } from "#shared/ports/blob-store.ts";
import type { AnnouncedBody } from "./announced-body.ts";
import { Denied } from "./answer-error.ts";
import type { Desk, JobContext } from "./capabilities.ts";

/**
 * Streams a body into a blob that is written once: 201 when it is new, 200 when the same bytes are there.
 * @throws Denied (conflict) when other bytes are there: those stay. Of two that come at once, one is first.
 */
export async function keepOnce(
  context: JobContext,
  { blobs }: Desk,
  wanted: { readonly key: string; readonly body: AnnouncedBody; readonly sha256: string },
): Promise<Response> {
  const { key, body, sha256 } = wanted;
  const { sizeBytes } = body;
  const { stored } = await blobs.putStream(key, body.bytes, { maxBytes: sizeBytes, sizeBytes, sha256 });
  if (!stored && (await sha256Of(blobs, key)) !== sha256) {
    throw new Denied("conflict", "There is another one under this name already, and it stays.");
  }
  context.get("log").info({ key, sizeBytes, stored }, "a Job has handed in");
  return context.json({ key, sizeBytes }, stored ? 201 : 200);
}

async function sha256Of(blobs: BlobStore, key: string): Promise<string> {
  const hash = createHash("sha256");
  const { body } = await blobs.open(key);
  for await (const piece of body) hash.update(piece);
  return hash.digest("hex");
}
