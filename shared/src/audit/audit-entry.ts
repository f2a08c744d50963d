import canonicalize from "canonicalize";
import { createHash } from "node:crypto";

/** Something that was done: by a person, or to the code host on a campaign's behalf. */
export interface NewAuditEntry {
  readonly at: Date;
  /** A person, or `octobatch`. */
  readonly actor: string;
  /** What was done, as `noun.verb`: `campaign.applied`, `pull-request.opened`. */
  readonly action: string;
  readonly campaign?: string;
  /** `owner/name` at that time. */
  readonly repository?: string;
  readonly specVersion?: number;
  readonly detail: Readonly<Record<string, string | number | boolean | readonly string[]>>;
  /** An effect that is healed by doing it again is logged once under its key. */
  readonly dedupeKey: string;
}

export interface AuditEntry extends NewAuditEntry {
  /** Counts from 1 without a gap. */
  readonly seq: number;
  readonly previousHash: string;
  readonly hash: string;
}

/** The `previousHash` of the first entry. */
export const genesisHash = "0".repeat(64);

/** Links an entry to the one before it. */
export function chain(entry: NewAuditEntry, previous: Pick<AuditEntry, "seq" | "hash"> | undefined): AuditEntry {
  const linked = { ...entry, seq: (previous?.seq ?? 0) + 1, previousHash: previous?.hash ?? genesisHash };
  return { ...linked, hash: auditHash(linked) };
}

/** SHA-256 of the entry's RFC 8785 form, which includes the hash of the entry before. */
export function auditHash(entry: Omit<AuditEntry, "hash">): string {
  const text = canonicalize({
    seq: entry.seq,
    at: entry.at.toISOString(),
    actor: entry.actor,
    action: entry.action,
    campaign: entry.campaign ?? null,
    repository: entry.repository ?? null,
    specVersion: entry.specVersion ?? null,
    detail: entry.detail,
    dedupeKey: entry.dedupeKey,
    previousHash: entry.previousHash,
  });
  return createHash("sha256")
    .update(text ?? "")
    .digest("hex");
}

export type AuditVerdict =
  | { readonly kind: "intact"; readonly entries: number; readonly lastHash: string }
  | { readonly kind: "broken"; readonly seq: number; readonly because: string };

/** Reads a chain from its beginning and says where it is broken, if it is. */
export async function verifyChain(entries: AsyncIterable<AuditEntry>): Promise<AuditVerdict> {
  let seq = 0;
  let lastHash = genesisHash;
  for await (const entry of entries) {
    if (entry.seq !== seq + 1) return { kind: "broken", seq: seq + 1, because: `entry ${seq + 1} is missing` };
    if (entry.previousHash !== lastHash) {
      return { kind: "broken", seq: entry.seq, because: `entry ${entry.seq} does not carry the hash of entry ${seq}` };
    }
    if (auditHash(entry) !== entry.hash) {
      return { kind: "broken", seq: entry.seq, because: `entry ${entry.seq} was changed after it was written` };
    }
    seq = entry.seq;
    lastHash = entry.hash;
  }
  return { kind: "intact", entries: seq, lastHash };
}
