import { randomUUID } from "node:crypto";
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { statusOf } from "./s3-errors.ts";

/**
 * Writes an object, writes it once more, reads it and removes it. Its name is no blob's, so nobody ever lists it.
 *
 * @returns Whether the server kept the first write of the two.
 * @throws What the SDK throws when one of it cannot be done.
 */
export async function checkBucket(
  client: S3Client,
  bucket: string,
  root: string,
): Promise<{ readonly isWriteOnce: boolean }> {
  const place = { Bucket: bucket, Key: `${root}=check/${randomUUID()}` };
  const probe = { ...place, IfNoneMatch: "*", Body: Buffer.from("written to see whether it can be") };
  try {
    await client.send(new PutObjectCommand(probe));
    const isWriteOnce = await client.send(new PutObjectCommand(probe)).then(
      () => false,
      (error: unknown) => {
        if (statusOf(error) === 412) return true;
        throw error;
      },
    );
    const { Body } = await client.send(new GetObjectCommand(place));
    await Body?.transformToByteArray();
    return { isWriteOnce };
  } finally {
    await client.send(new DeleteObjectCommand(place));
  }
}
