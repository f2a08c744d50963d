import { ListObjectsV2Command, type S3Client } from "@aws-sdk/client-s3";
import type { StoredBlob } from "../../ports/blob-store.ts";
import { isBlobKey } from "../blob-key.ts";

/** What S3 lists at once, at most. */
const pageSize = 1000;

interface Listing {
  readonly Bucket: string;
  /** Where the store's keys begin: empty, or with a slash at its end. */
  readonly root: string;
  readonly prefix: string;
  readonly after?: string | undefined;
  readonly limit?: number;
}

/** The blobs of a bucket in byte order, page by page. Objects of others, whose names are no blobs' keys, are left out. */
export async function* listObjects(
  client: S3Client,
  { Bucket, root, prefix, after, limit = Infinity }: Listing,
): AsyncGenerator<StoredBlob, void, undefined> {
  let left = limit;
  let ContinuationToken: string | undefined;
  do {
    const page = await client.send(
      new ListObjectsV2Command({
        Bucket,
        Prefix: `${root}${prefix}`,
        MaxKeys: Math.min(pageSize, left),
        ...(ContinuationToken === undefined
          ? after !== undefined && { StartAfter: `${root}${after}` }
          : { ContinuationToken }),
      }),
    );
    for (const { Key = "", Size = 0, LastModified } of page.Contents ?? []) {
      const key = Key.slice(root.length);
      if (!isBlobKey(key) || LastModified === undefined) continue;
      yield { key, sizeBytes: Size, storedAt: LastModified };
      left -= 1;
    }
    ContinuationToken = page.IsTruncated === true ? page.NextContinuationToken : undefined;
  } while (ContinuationToken !== undefined && left > 0);
}
