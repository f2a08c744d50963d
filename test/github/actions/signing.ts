import { createHmac } from "node:crypto";
import type { Commit } from "../git/objects.ts";
import { encodeCommit, signatureDate, type Signature } from "../git/objects.ts";
import type { GitRepository } from "../git/git-repository.ts";
import type { Actor } from "../state/account.ts";
import type { World } from "../state/world.ts";

/** `verification` of the OpenAPI description. */
export interface Verification {
  readonly verified: boolean;
  readonly reason: "valid" | "unsigned" | "unknown_key";
  readonly signature: string | null;
  readonly payload: string | null;
  readonly verified_at: string | null;
}

/** Who GitHub says committed what it commits itself. */
export function githubSignature(at: Date): Signature {
  return { name: "GitHub", email: "noreply@github.com", seconds: Math.floor(at.getTime() / 1000), timezone: "+0000" };
}

export function signatureOf(actor: Actor, at: Date): Signature {
  return { name: actor.name, email: actor.email, seconds: Math.floor(at.getTime() / 1000), timezone: "+0000" };
}

/** Stands in for GitHub's PGP key: only who has the App's webhook secret could make it, and it covers every byte. */
function seal(world: World, payload: Uint8Array): string {
  const mac = createHmac("sha512", `commits:${world.signingKey}`).update(payload).digest("base64");
  return `-----BEGIN PGP SIGNATURE-----\n\n${mac.slice(0, 64)}\n${mac.slice(64)}\n-----END PGP SIGNATURE-----`;
}

/** Writes a commit that GitHub signs. */
export function writeSignedCommit(
  world: World,
  repository: GitRepository,
  commit: Omit<Commit, "oid" | "signature">,
): Promise<string> {
  return repository.writeCommit({ ...commit, signature: seal(world, encodeCommit(commit)) });
}

export function verificationOf(world: World, commit: Commit): Verification {
  const { signature, oid: _, ...unsigned } = commit;
  if (signature === undefined) {
    return { verified: false, reason: "unsigned", signature: null, payload: null, verified_at: null };
  }
  const payload = encodeCommit(unsigned);
  const isOurs = seal(world, payload) === signature;
  return {
    verified: isOurs,
    reason: isOurs ? "valid" : "unknown_key",
    signature,
    payload: payload.toString("utf8"),
    verified_at: isOurs ? signatureDate(commit.committer) : null,
  };
}
