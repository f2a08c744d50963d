import type { AuditEntry, NewAuditEntry } from "./audit-entry.ts";

export interface AuditLog {
  /**
   * Appends entries, each linked to the one before; one with a known dedupe key changes nothing. Writers wait for each
   * other until their transactions end, so append last.
   */
  append(entries: readonly NewAuditEntry[]): Promise<void>;

  /** Entries from `afterSeq` on, the oldest first, at most `limit`. */
  page(query: {
    readonly campaign?: string;
    readonly afterSeq?: number;
    readonly limit: number;
  }): Promise<readonly AuditEntry[]>;
}

/** The whole log, the oldest entry first, read in pages. */
export async function* wholeLog(log: Pick<AuditLog, "page">): AsyncGenerator<AuditEntry> {
  let afterSeq = 0;
  for (;;) {
    const page = await log.page({ afterSeq, limit: 1000 });
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    afterSeq = last.seq;
  }
}
