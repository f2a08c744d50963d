import { DeleteObjectCommand, GetObjectCommand } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { BlobNotFound, BlobStoreUnavailable, type BlobStore } from "../../ports/blob-store.ts";
import { segmentsOfKey, segmentsOfPrefix } from "../blob-key.ts";
import { keepJudged } from "../judged-body.ts";
import { attachment } from "./attachment.ts";
import { checkBucket } from "./check-bucket.ts";
import { listObjects } from "./list-objects.ts";
import { connectToS3, type S3Settings } from "./s3-connection.ts";
import { codeOf, unavailable } from "./s3-errors.ts";
import { askBucket, describe, putOnce, type S3Place } from "./write-once.ts";

/** Links that last longer are refused by AWS. */
const longestLinkSeconds = 7 * 24 * 60 * 60;

export interface S3BlobStore extends BlobStore {
  /** Closes its connections. */
  close(): void;
}

/**
 * Keeps blobs as objects of an S3-compatible bucket, which it never makes nor changes the settings of.
 *
 * Requests are signed, bounded in time and tried a few times. Where the server ignores conditional writes, two puts of
 * one key at the same moment may both succeed: see `putOnce`; `check` tells by `warn`, once.
 *
 * An upload that was cut off by a crash leaves parts that are no blob; a lifecycle rule of the bucket removes them.
 */
export function createS3BlobStore(options: S3Settings & { readonly warn?: (message: string) => void }): S3BlobStore {
  const connection = connectToS3(options);
  const { client, linkClient } = connection;
  const root = options.prefix === "" ? "" : `${options.prefix}/`;
  const bucket = { Bucket: options.bucket };
  const place = (key: string): S3Place => ({ ...bucket, Key: `${root}${key}` });
  const attempt = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      const isOfThePort = error instanceof BlobNotFound || error instanceof BlobStoreUnavailable;
      throw isOfThePort ? error : unavailable(what, options, error);
    }
  };
  let isWarned = false;

  /** The bytes of an object as they arrive; the connection is closed when the reader leaves. */
  async function* bodyOf(key: string): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      const { Body } = await client.send(new GetObjectCommand(place(key)));
      // In Node, the SDK gives a stream of bytes.
      if (Body !== undefined) yield* Body as AsyncIterable<Uint8Array>;
    } catch (error) {
      throw codeOf(error) === "NoSuchKey" ? new BlobNotFound(key) : unavailable(`get ${key}`, options, error);
    }
  }

  return {
    close: () => connection.close(),
    async put(key, bytes) {
      segmentsOfKey(key);
      return attempt(`put ${key}`, async () => ({ stored: await putOnce(client, place(key), bytes) }));
    },
    async putStream(key, body, limits) {
      segmentsOfKey(key);
      return keepJudged(key, body, limits, (judged) =>
        attempt(`put ${key}`, () => putOnce(client, place(key), judged)),
      );
    },
    async get(key) {
      segmentsOfKey(key);
      return attempt(`get ${key}`, async () => {
        const { buffer, byteOffset, byteLength } = Buffer.concat(await Array.fromAsync(bodyOf(key)));
        return new Uint8Array(buffer, byteOffset, byteLength);
      });
    },
    async open(key) {
      segmentsOfKey(key);
      return attempt(`open ${key}`, async () => {
        const found = await describe(client, place(key));
        if (found === undefined) {
          await askBucket(client, options.bucket); // when that one is missing, so is every blob
          throw new BlobNotFound(key);
        }
        return { sizeBytes: found.sizeBytes, body: bodyOf(key) };
      });
    },
    async link(key, { forMs, fileName, contentType }) {
      segmentsOfKey(key);
      if (linkClient === undefined) return undefined;
      const command = new GetObjectCommand({
        ...place(key),
        ResponseContentDisposition: attachment(fileName),
        ResponseContentType: contentType,
      });
      const expiresIn = Math.min(longestLinkSeconds, Math.max(1, Math.floor(forMs / 1000)));
      return attempt(`make a link to ${key}`, () => getSignedUrl(linkClient, command, { expiresIn }));
    },
    async list(prefix) {
      segmentsOfPrefix(prefix);
      return attempt(`list ${prefix}`, async () => {
        const keys: string[] = [];
        for await (const { key } of listObjects(client, { ...bucket, root, prefix })) keys.push(key);
        return keys;
      });
    },
    async scan({ after, limit }) {
      if (after !== undefined) segmentsOfKey(after);
      return attempt("list its objects", () =>
        Array.fromAsync(listObjects(client, { ...bucket, root, prefix: "", after, limit })),
      );
    },
    async remove(key) {
      segmentsOfKey(key);
      await attempt(`remove ${key}`, () => client.send(new DeleteObjectCommand(place(key))));
    },
    async check() {
      await attempt("be used", async () => {
        const { isWriteOnce } = await checkBucket(client, bucket.Bucket, root);
        if (isWriteOnce || isWarned) return;
        isWarned = true;
        options.warn?.(
          `The server of the bucket ${options.bucket} ignores If-None-Match: of two puts of one key at the same moment ` +
            "the last wins. Use a server that supports conditional writes where you can.",
        );
      });
    },
  };
}
