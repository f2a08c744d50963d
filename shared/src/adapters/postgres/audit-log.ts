import { chain, type AuditEntry, type NewAuditEntry } from "#shared/audit/audit-entry.ts";
import type { AuditLog } from "#shared/audit/audit-log.ts";
import { rowsOf, withoutNulls, write, type Sql } from "./sql.ts";

interface AuditRow {
  readonly seq: number;
  readonly at: Date;
  readonly actor: string;
  readonly action: string;
  readonly campaign: string | null;
  readonly repository: string | null;
  readonly spec_version: number | null;
  readonly detail: AuditEntry["detail"];
  readonly dedupe_key: string;
  readonly previous_hash: string;
  readonly hash: string;
}

export function createAuditLog(sql: Sql): AuditLog {
  return {
    append: (entries) =>
      sql.transaction(async (transaction) => {
        // Held until the outermost transaction ends: the next writer must see this entry to link to it.
        await rowsOf(transaction, "SELECT pg_advisory_xact_lock(hashtextextended('audit_log', 0))");
        const known = await rowsOf<{ readonly dedupe_key: string }>(
          transaction,
          "SELECT dedupe_key FROM audit_log WHERE dedupe_key = ANY(:keys)",
          { keys: entries.map(({ dedupeKey }) => dedupeKey) },
        );
        const seen = new Set(known.map(({ dedupe_key }) => dedupe_key));
        let [previous] = await rowsOf<{ readonly seq: number; readonly hash: string }>(
          transaction,
          "SELECT seq, hash FROM audit_log ORDER BY seq DESC LIMIT 1",
        );
        for (const entry of entries) {
          if (seen.has(entry.dedupeKey)) continue;
          seen.add(entry.dedupeKey);
          const next = chain(entry, previous);
          await insert(transaction, next);
          previous = next;
        }
      }),

    async page({ campaign, afterSeq, limit }) {
      const rows = await rowsOf<AuditRow>(
        sql,
        `SELECT * FROM audit_log
         WHERE seq > :afterSeq AND (CAST(:campaign AS text) IS NULL OR campaign = :campaign) ORDER BY seq LIMIT :limit`,
        { afterSeq: afterSeq ?? 0, campaign: campaign ?? null, limit },
      );
      return rows.map(entryFrom);
    },
  };
}

async function insert(sql: Sql, entry: AuditEntry): Promise<void> {
  await write(
    sql,
    `INSERT INTO audit_log
       (seq, at, actor, action, campaign, repository, spec_version, detail, dedupe_key, previous_hash, hash)
     VALUES (:seq, :at, :actor, :action, :campaign, :repository, :specVersion, CAST(:detail AS jsonb), :dedupeKey,
             :previousHash, :hash)`,
    {
      seq: entry.seq,
      at: entry.at,
      actor: entry.actor,
      action: entry.action,
      campaign: entry.campaign ?? null,
      repository: entry.repository ?? null,
      specVersion: entry.specVersion ?? null,
      detail: JSON.stringify(entry.detail),
      dedupeKey: entry.dedupeKey,
      previousHash: entry.previousHash,
      hash: entry.hash,
    },
  );
}

function entryFrom(row: AuditRow): AuditEntry & NewAuditEntry {
  return {
    seq: row.seq,
    at: row.at,
    actor: row.actor,
    action: row.action,
    detail: row.detail,
    dedupeKey: row.dedupe_key,
    previousHash: row.previous_hash,
    hash: row.hash,
    ...withoutNulls({ campaign: row.campaign, repository: row.repository, specVersion: row.spec_version }),
  };
}
