import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { getCACertificates } from "node:tls";
import { S3Client } from "@aws-sdk/client-s3";

/** Where the bucket is, and how this machine reaches it. */
export interface S3Settings {
  readonly bucket: string;
  readonly region: string;
  /** The server when it is not AWS, such as `https://minio.example.com:9000`. */
  readonly endpoint?: string | undefined;
  /** The same server as browsers reach it; links lead there. */
  readonly publicEndpoint?: string | undefined;
  /** The bucket is a part of the path, not of the host's name. */
  readonly pathStyle: boolean;
  /** All keys are below it: segments of a key, without slashes at its ends; empty for the whole bucket. */
  readonly prefix: string;
  /** Without them, the ways of the AWS SDK are tried: files, a service account's role, the machine's role. */
  readonly credentials?: S3Credentials | undefined;
  readonly httpsProxy?: string | undefined;
  readonly noProxy?: string | undefined;
  /** Certificates in PEM format that are trusted besides the usual ones. */
  readonly extraCertificates?: string | undefined;
}

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** How long we wait for a connection, and for a byte on one. The SDK's own defaults wait for ever. */
const connectionTimeoutMs = 5000;
const silenceTimeoutMs = 30_000;

/** A request is tried so often, with growing waits of at most 20 s: when the server is busy, fails or cannot be reached. */
const maxAttempts = 4;

export interface S3Connection {
  readonly client: S3Client;
  /** Signs links and sends nothing; absent when browsers do not reach the server. */
  readonly linkClient: S3Client | undefined;
  close(): void;
}

/** Opens no socket before the first request. */
export function connectToS3(settings: S3Settings): S3Connection {
  const { endpoint, publicEndpoint, httpsProxy, noProxy, extraCertificates } = settings;
  const agents = { keepAlive: true, maxSockets: 50 };
  const common = {
    region: settings.region,
    forcePathStyle: settings.pathStyle,
    ...(settings.credentials && { credentials: withoutAbsent(settings.credentials) }),
    // By default the SDK adds checksums that older servers refuse, and that spoil links
    // (https://github.com/aws/aws-sdk-js-v3/issues/6810). The signature of a request sums its body anyway.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    maxAttempts,
    requestHandler: {
      connectionTimeout: connectionTimeoutMs,
      socketTimeout: silenceTimeoutMs,
      httpAgent: new HttpAgent(agents),
      httpsAgent: new HttpsAgent({
        ...agents,
        proxyEnv: { ...(httpsProxy && { HTTPS_PROXY: httpsProxy }), ...(noProxy && { NO_PROXY: noProxy }) },
        ...(extraCertificates && { ca: [...getCACertificates("default"), extraCertificates] }),
      }),
    },
  } as const;
  const client = new S3Client({ ...common, ...(endpoint !== undefined && { endpoint }) });
  // Without an endpoint it is AWS, which browsers reach.
  const linkClient =
    endpoint === undefined ? client : publicEndpoint && new S3Client({ ...common, endpoint: publicEndpoint });
  return {
    client,
    linkClient: linkClient || undefined,
    close() {
      client.destroy();
      if (linkClient) linkClient.destroy();
    },
  };
}

function withoutAbsent({ accessKeyId, secretAccessKey, sessionToken }: S3Credentials) {
  return { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
}
