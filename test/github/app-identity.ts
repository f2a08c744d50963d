import { generateKeyPair, randomBytes } from "node:crypto";
import { promisify } from "node:util";
import type { AppIdentity } from "./state/installation.ts";
import { campaignPermissions } from "./state/permissions.ts";

export type AppOptions = Partial<AppIdentity>;

/** The App with everything it needs; what is not given is generated. */
export async function generateApp(given: AppOptions = {}): Promise<AppIdentity> {
  const slug = given.slug ?? "octobatch";
  return {
    id: given.id ?? 4_242,
    clientId: given.clientId ?? `Iv23li${randomBytes(7).toString("hex")}`,
    slug,
    name: given.name ?? slug,
    privateKey: given.privateKey ?? (await generateKey()),
    webhookSecret: given.webhookSecret ?? randomBytes(20).toString("hex"),
    permissions: given.permissions ?? campaignPermissions,
  };
}

/** A fresh private key, in the form in which GitHub hands out App keys. */
export async function generateKey(): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
  });
  return privateKey;
}
