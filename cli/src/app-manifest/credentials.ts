import { z } from "zod";

/** What GitHub tells once, and never again. */
export interface AppCredentials {
  readonly id: number;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Absent when the App has no webhook. */
  readonly webhookSecret?: string;
  /** PEM, its lines ending in `\n`. */
  readonly privateKey: string;
  readonly slug: string;
  readonly name: string;
  /** The App's page, for people. */
  readonly url: string;
}

/** Printable, without spaces and quotes: such text needs no escape in the files that it is written to. */
const token = z.string().regex(/^[!#-&(-[\]-~]+$/u, "expected printable characters without spaces and quotes");

const pem = z
  .string()
  .transform((text) => `${text.replaceAll("\r\n", "\n").trim()}\n`)
  .pipe(
    z
      .string()
      .regex(
        /^-----BEGIN (RSA )?PRIVATE KEY-----\n[A-Za-z\d+/=\n]+-----END (RSA )?PRIVATE KEY-----\n$/u,
        "expected a private key in PEM format",
      ),
  );

/**
 * The answer of `POST /app-manifests/{code}/conversions`.
 * https://docs.github.com/en/rest/apps/apps#create-a-github-app-from-a-manifest
 */
export const conversionAnswer = z
  .object({
    id: z.int(),
    slug: token,
    name: z.string(),
    // Parsed, since a URL may be written with line breaks in it.
    html_url: z.url({ protocol: /^https?$/ }).transform((url) => new URL(url).href.replace(/\/+$/u, "")),
    client_id: token,
    client_secret: token,
    webhook_secret: token.nullable(),
    pem,
  })
  .transform(({ id, slug, name, html_url: url, client_id, client_secret, webhook_secret, pem }): AppCredentials => ({
    id,
    slug,
    name,
    url,
    clientId: client_id,
    clientSecret: client_secret,
    privateKey: pem,
    ...(webhook_secret === null ? {} : { webhookSecret: webhook_secret }),
  }));
