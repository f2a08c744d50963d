import { expect, test } from "vitest";
import { BrokenPackets, pktLine, readPackets, type Packet } from "./pkt-line.ts";

async function packetsOf(text: string, pieceBytes = text.length): Promise<readonly string[]> {
  const bytes = Buffer.from(text, "latin1");
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
  }
  const packets: Packet[] = await Array.fromAsync(readPackets(pieces()));
  return packets.map((packet) => (typeof packet === "string" ? packet : `<${packet.toString("latin1")}>`));
}

const stream = `${pktLine("packfile")}0001${pktLine("")}0004000aab\u0000\u00ff0100000002`;
const packets = ["<packfile\n>", "delimiter", "<\n>", "<>", "<ab\u0000\u00ff01>", "flush", "response-end"];

test("a line says how long it is, with itself and its end", () => {
  expect(pktLine("command=fetch")).toBe("0012command=fetch\n");
});

test.each([1, 2, 3, 5, 7, 1000])(
  "a stream that comes in pieces of %i bytes has the same packets",
  async (pieceBytes) => {
    expect(await packetsOf(stream, pieceBytes)).toEqual(packets);
  },
);

test.each([
  ["a length that is no number", "00zz"],
  ["a length with a sign", "-001"],
  ["a length with a blank", " 005a"],
  ["a length shorter than itself", "0003"],
  ["a packet longer than any may be", "fff1".padEnd(0xfff1, "x")],
  ["an end in the middle of a length", "00"],
  ["an end in the middle of a packet", "0009abc"],
])("%s is refused", async (_, text) => {
  await expect(packetsOf(text)).rejects.toThrow(BrokenPackets);
});
