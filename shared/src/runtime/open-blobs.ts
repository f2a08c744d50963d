import type { BlobStore } from "#shared/ports/blob-store.ts";
import { InvalidConfiguration, type SettingName, type Settings } from "./config.ts";
import type { Foundation } from "./foundation.ts";

/** Where patches and logs are kept. */
export const blobSettings = [
  "OCTOBATCH_S3_BUCKET",
  "OCTOBATCH_S3_ENDPOINT",
  "OCTOBATCH_S3_PUBLIC_ENDPOINT",
  "OCTOBATCH_S3_REGION",
  "OCTOBATCH_S3_PATH_STYLE",
  "OCTOBATCH_S3_PREFIX",
  "OCTOBATCH_S3_CERTIFICATES",
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
  "HTTPS_PROXY",
  "NO_PROXY",
  "OCTOBATCH_BLOB_DIRECTORY",
] as const satisfies readonly SettingName[];

type BlobSettings = Pick<Settings, (typeof blobSettings)[number]>;

interface OpenedBlobs {
  readonly value: BlobStore;
  readonly check: () => Promise<void>;
  readonly close?: () => Promise<void>;
}

/**
 * The bucket where one is set, else the directory. No request is made before the first is asked for.
 * @throws InvalidConfiguration when neither is set, or only one half of the credentials.
 */
export async function openBlobs({
  settings,
  log,
}: Pick<Foundation, "log"> & { readonly settings: BlobSettings }): Promise<OpenedBlobs> {
  const { OCTOBATCH_S3_BUCKET: bucket, OCTOBATCH_BLOB_DIRECTORY: directory } = settings;
  if (bucket !== undefined) return openBucket(bucket, settings, (message) => log.warn(message));
  if (directory === undefined) {
    throw new InvalidConfiguration(
      "OCTOBATCH_S3_BUCKET or OCTOBATCH_BLOB_DIRECTORY: neither is set. Patches and logs are kept in a bucket or, " +
        "where all functions are on one machine, in a directory.",
    );
  }
  const { createFilesystemBlobStore } = await import("#shared/adapters/filesystem/filesystem-blob-store.ts");
  const value = createFilesystemBlobStore({ directory });
  return { value, check: () => value.check() };
}

async function openBucket(
  bucket: string,
  settings: BlobSettings,
  warn: (message: string) => void,
): Promise<OpenedBlobs> {
  const credentials = credentialsIn(settings);
  const { createS3BlobStore } = await import("#shared/adapters/s3/s3-blob-store.ts");
  const value = createS3BlobStore({
    bucket,
    region: settings.OCTOBATCH_S3_REGION,
    endpoint: settings.OCTOBATCH_S3_ENDPOINT,
    publicEndpoint: settings.OCTOBATCH_S3_PUBLIC_ENDPOINT,
    pathStyle: settings.OCTOBATCH_S3_PATH_STYLE ?? settings.OCTOBATCH_S3_ENDPOINT !== undefined,
    prefix: settings.OCTOBATCH_S3_PREFIX ?? "",
    credentials,
    httpsProxy: settings.HTTPS_PROXY,
    noProxy: settings.NO_PROXY,
    extraCertificates: settings.OCTOBATCH_S3_CERTIFICATES,
    warn,
  });
  return { value, check: () => value.check(), close: async () => value.close() };
}

function credentialsIn(settings: BlobSettings) {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = settings;
  if (accessKeyId !== undefined && secretAccessKey !== undefined) {
    return { accessKeyId, secretAccessKey, sessionToken: settings.AWS_SESSION_TOKEN };
  }
  if (accessKeyId === undefined && secretAccessKey === undefined) return undefined;
  throw new InvalidConfiguration(
    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: only one of the two is set. They belong together; without both, the " +
      "role of the pod or the machine is used.",
  );
}
