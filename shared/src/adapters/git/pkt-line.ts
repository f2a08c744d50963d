/** What comes in git's framing: the bytes of a line, or a mark between lines. */
export type Packet = Buffer | "flush" | "delimiter" | "response-end";

/** The framing is broken, or ends in the middle. */
export class BrokenPackets extends Error {
  override readonly name = "BrokenPackets";
}

export const flushPacket = "0000";
export const delimiterPacket = "0001";

const prefixBytes = 4;
/** https://git-scm.com/docs/gitprotocol-common#_pkt_line_format */
const longestPacketBytes = 65_520;
const marks = ["flush", "delimiter", "response-end"] as const;

/** A line of ASCII as a packet. */
export function pktLine(line: string): string {
  return `${(line.length + prefixBytes + 1).toString(16).padStart(prefixBytes, "0")}${line}\n`;
}

/** Cuts a stream into packets, none of which is longer than 64 KiB. @throws BrokenPackets, and what the stream throws. */
export async function* readPackets(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Packet, void, undefined> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const { buffer, byteOffset, byteLength } of pieces) {
    const piece = Buffer.from(buffer, byteOffset, byteLength);
    rest = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    while (rest.length >= prefixBytes) {
      const length = lengthOf(rest);
      const mark = marks[length];
      if (mark === undefined && rest.length < length) break;
      yield mark ?? rest.subarray(prefixBytes, length);
      rest = rest.subarray(mark === undefined ? length : prefixBytes);
    }
  }
  if (rest.length > 0) throw new BrokenPackets("it ends in the middle of a packet");
}

function lengthOf(packet: Buffer): number {
  const digits = packet.toString("latin1", 0, prefixBytes);
  const length = /^[0-9a-fA-F]{4}$/.test(digits) ? Number.parseInt(digits, 16) : Number.NaN;
  if (length < marks.length || (length >= prefixBytes && length <= longestPacketBytes)) return length;
  throw new BrokenPackets(`${JSON.stringify(digits)} is no length of a packet`);
}
