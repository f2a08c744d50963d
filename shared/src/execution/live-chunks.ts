import { liveStepBytes, type LiveChunk, type LiveCursor, type LivePage } from "#shared/ports/live-logs.ts";

/** A chunk as it is stored: not larger than {@link storedChunkBytes}. */
export interface StoredChunk extends LiveChunk {
  /** What came after it was too much to be kept. */
  readonly cut: boolean;
}

/** No stored chunk is larger, so that a reader finds the one that it needs, and a page is never much too large. */
export const storedChunkBytes = 256 << 10;

/** A page has so many stored chunks at the most: 1 MiB. */
export const chunksOfPage = 4;

/** What is stored of chunks: pieces of a bounded size, one a place, none beyond what is kept of a step. */
export function storedOf(chunks: readonly LiveChunk[]): readonly StoredChunk[] {
  const places = new Map<string, StoredChunk>();
  for (const piece of chunks.flatMap(piecesOf)) {
    const place = `${piece.step}/${piece.offset}`;
    const before = places.get(place);
    places.set(place, before === undefined ? piece : merged(before, piece));
  }
  return [...places.values()];
}

function piecesOf({ step, offset, bytes, end }: LiveChunk): readonly StoredChunk[] {
  const kept = bytes.subarray(0, Math.max(0, liveStepBytes - offset));
  const cut = kept.length < bytes.length;
  const pieces: StoredChunk[] = [];
  for (let at = 0; at < kept.length; at += storedChunkBytes) {
    pieces.push({ step, offset: offset + at, bytes: kept.subarray(at, at + storedChunkBytes), cut: false });
  }
  const last = pieces.pop() ?? { step, offset: Math.min(offset, liveStepBytes), bytes: kept };
  // An end beyond what is kept would look like an end there.
  const isWhole = !cut && offset <= liveStepBytes;
  const ended = end !== undefined && (isWhole || end.logKey !== undefined) ? { end } : {};
  return [...pieces, { ...last, cut, ...ended }];
}

/** One stored chunk out of two for the same place: a retry may have had more to say. */
export function merged(stored: StoredChunk, added: StoredChunk): StoredChunk {
  const longer = added.bytes.length > stored.bytes.length ? added : stored;
  const end = stored.end ?? added.end;
  return { ...longer, cut: stored.cut || added.cut, ...(end === undefined ? {} : { end }) };
}

/**
 * What can be read of stored chunks from a cursor on without a gap.
 *
 * @param stored Those from the cursor on, by step and offset; they may overlap.
 */
export function readInOrder(stored: readonly StoredChunk[], after: LiveCursor): LivePage {
  const chunks: LiveChunk[] = [];
  let cursor = after;
  let state: LivePage["state"] = "growing";
  for (const { step, offset, bytes, end, cut } of stored) {
    if (step !== cursor.step || offset > cursor.offset) break;
    const read = bytes.subarray(cursor.offset - offset);
    const isFirst = offset === 0 && cursor.offset === 0;
    if (read.length > 0 || end !== undefined || isFirst) {
      chunks.push({ step, offset: cursor.offset, bytes: read, ...(end === undefined ? {} : { end }) });
    }
    cursor = end === undefined ? { step, offset: cursor.offset + read.length } : { step: step + 1, offset: 0 };
    state = cut && end === undefined ? "cut" : "growing";
  }
  return { chunks, cursor, state };
}

/** Whether a stored chunk shows that what is before the cursor is there. */
export function reaches({ step, offset, bytes, end }: StoredChunk, { step: atStep, offset: atOffset }: LiveCursor) {
  if (atOffset === 0) return atStep === 0 || (step === atStep - 1 && end !== undefined);
  return step === atStep && offset < atOffset && offset + bytes.length >= atOffset;
}
