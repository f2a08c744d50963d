import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { HeadObjectCommand, ListObjectsV2Command, type S3Client } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { codeOf, statusOf } from "./s3-errors.ts";

/** An object of a bucket. */
export interface S3Place {
  readonly Bucket: string;
  readonly Key: string;
}

/** What is longer is sent in such parts, of which a stream has at most two in memory; there may be 10,000 of them. */
const partBytes = 8 * 1024 * 1024;

/** Says in an object which put made it, so that one whose answer was lost knows its own when it is tried again. */
const putIdName = "octobatch-put";

/**
 * Puts an object unless there is one, and answers whether it did.
 *
 * `If-None-Match: *` lets the server decide, at the moment when the object becomes visible
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html). The look before saves sending what is
 * there already, and is all there is on a server that ignores the condition: two puts at the same moment may then both
 * succeed, and the last one's bytes stay.
 *
 * Every body is sent from memory: the signature of the request carries its checksum, and the SDK can send it again.
 */
export async function putOnce(
  client: S3Client,
  place: S3Place,
  body: Uint8Array | AsyncIterable<Uint8Array>,
): Promise<boolean> {
  if ((await describe(client, place)) !== undefined) return false;
  const putId = randomUUID();
  const Body = body instanceof Uint8Array ? body : Readable.from(body, { objectMode: false });
  const Metadata = { [putIdName]: putId };
  const params = { ...place, Body, Metadata, IfNoneMatch: "*", ContentType: "application/octet-stream" };
  try {
    await new Upload({ client, params, partSize: partBytes, queueSize: 1 }).done();
    return true;
  } catch (error) {
    if (!isTaken(error)) throw error;
    const found = await describe(client, place);
    if (found === undefined) throw error; // the other one gave up, or its object was removed: whoever asks may ask again
    return found.putId === putId;
  }
}

/**
 * What there is of an object, or nothing; nothing also where there is no such bucket.
 * @throws What the server says against it. An answer to HEAD has no body to say that in, so the bucket is asked as well.
 */
export async function describe(
  client: S3Client,
  place: S3Place,
): Promise<{ readonly sizeBytes: number; readonly putId: string | undefined } | undefined> {
  try {
    const { ContentLength = 0, Metadata } = await client.send(new HeadObjectCommand(place));
    return { sizeBytes: ContentLength, putId: Metadata?.[putIdName] };
  } catch (error) {
    const status = statusOf(error);
    if (status === 404) return undefined;
    if (status >= 300 && status < 500) await askBucket(client, place.Bucket);
    throw error;
  }
}

/** Resolves when the bucket can be read. @throws What the server says against it. */
export async function askBucket(client: S3Client, Bucket: string): Promise<void> {
  await client.send(new ListObjectsV2Command({ Bucket, MaxKeys: 1 }));
}

/**
 * 412 when there is an object, 409 when another put of it is just under way, and of an upload that was completed before by
 * a request whose answer was lost, that there is none.
 */
function isTaken(error: unknown): boolean {
  return statusOf(error) === 412 || ["ConditionalRequestConflict", "NoSuchUpload"].includes(codeOf(error));
}
