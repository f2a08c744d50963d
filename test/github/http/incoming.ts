import type { IncomingMessage } from "node:http";
import { Refusal } from "./refusal.ts";

/** GitHub's blobs may have 40 MiB, which base64 and JSON make longer. */
const longestBodyBytes = 64 * 1024 * 1024;

/** The whole body. @throws Refusal 413 for one that is too long. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    // Without an encoding set, a request yields buffers.
    const bytes = chunk as Buffer;
    length += bytes.length;
    if (length > longestBodyBytes) throw new Refusal(413, "Payload too big");
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

/** The body as JSON, undefined when there is none. @throws Refusal 400 as GitHub answers what it cannot parse. */
export function parseJson(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(body.toString("utf8")) as unknown;
  } catch {
    throw new Refusal(400, "Problems parsing JSON");
  }
}
