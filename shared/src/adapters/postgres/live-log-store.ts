import {
  chunksOfPage,
  readInOrder,
  storedOf,
  storedChunkBytes,
  type StoredChunk,
} from "#shared/execution/live-chunks.ts";
import type { LiveAttempt, LiveCursor, LiveLogs, LiveStepEnd } from "#shared/ports/live-logs.ts";
import { prepared, rowsOf, write, type Sql } from "./sql.ts";

interface ChunkRow {
  readonly step: number;
  readonly start_byte: number;
  readonly bytes: Buffer;
  readonly ended: LiveStepEnd | null;
  readonly cut: boolean;
}

const isOver = `execution.attempt <> live_logs.attempt OR execution.status NOT IN ('pending', 'running')`;

export function createLiveLogStore(sql: Sql): LiveLogs {
  /** Whether there is anything of the attempt, and whether what is before the cursor is there. */
  async function look({ executionId, attempt }: LiveAttempt, { step, offset }: LiveCursor): Promise<boolean> {
    const [found] = await rowsOf<{ readonly isEmpty: boolean; readonly reaches: boolean | null }>(
      sql,
      `SELECT count(*) = 0 AS "isEmpty",
              bool_or(CASE WHEN :offset = 0 THEN step = :step - 1 AND ended IS NOT NULL
                           ELSE step = :step AND start_byte < :offset AND start_byte + length(bytes) >= :offset
                      END) AS reaches
       FROM live_logs WHERE execution_id = :executionId AND attempt = :attempt`,
      { executionId, attempt, step, offset },
    );
    return found?.isEmpty === true || found?.reaches === true;
  }

  return {
    async append({ executionId, attempt }, chunks) {
      const pieces = storedOf(chunks).map(({ bytes, ...piece }) => ({
        ...piece,
        base64: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64"),
      }));
      await write(
        sql,
        `INSERT INTO live_logs (execution_id, attempt, step, start_byte, bytes, ended, cut)
         SELECT execution.id, execution.attempt, piece.step, piece."offset", decode(piece.base64, 'base64'), piece."end", piece.cut
         FROM executions execution, jsonb_to_recordset(CAST(:pieces AS jsonb)) AS piece (
           step integer, "offset" bigint, base64 text, "end" jsonb, cut boolean)
         WHERE execution.id = :executionId AND execution.attempt = :attempt
           AND execution.status IN ('pending', 'running')
         ON CONFLICT (execution_id, attempt, step, start_byte) DO UPDATE
         SET bytes = CASE WHEN length(excluded.bytes) > length(live_logs.bytes) THEN excluded.bytes ELSE live_logs.bytes END,
             ended = coalesce(live_logs.ended, excluded.ended),
             cut = live_logs.cut OR excluded.cut`,
        { executionId, attempt, pieces: JSON.stringify(pieces) },
      );
    },

    async read(of, after) {
      const { executionId, attempt } = of;
      const { step, offset } = after;
      const rows = await rowsOf<ChunkRow>(
        sql,
        `SELECT step, start_byte, bytes, ended, cut FROM live_logs
         WHERE execution_id = :executionId AND attempt = :attempt
           AND (step > :step OR step = :step AND start_byte >= :from AND start_byte + length(bytes) >= :offset)
         ORDER BY step, start_byte LIMIT :limit`,
        { executionId, attempt, step, offset, from: offset - storedChunkBytes, limit: chunksOfPage },
      );
      const page = readInOrder(rows.map(chunkFrom), after);
      // What has grown from the cursor on shows by itself that the rest is there.
      const isAtBeginning = step + offset === 0;
      if (page.chunks.length > 0 || page.state === "cut" || isAtBeginning || (await look(of, after))) return page;
      return { chunks: [], cursor: after, state: "anew" };
    },

    async forget({ executionId, attempt }) {
      await write(sql, prepared("DELETE FROM live_logs WHERE execution_id = :executionId AND attempt = :attempt"), {
        executionId,
        attempt,
      });
    },

    sweep: () =>
      write(
        sql,
        `DELETE FROM live_logs USING executions execution WHERE execution.id = live_logs.execution_id AND (${isOver})`,
      ),
  };
}

function chunkFrom({ step, start_byte: offset, bytes, ended, cut }: ChunkRow): StoredChunk {
  return { step, offset, bytes, cut, ...(ended === null ? {} : { end: ended }) };
}
