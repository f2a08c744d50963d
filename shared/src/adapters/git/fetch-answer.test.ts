import { expect, test } from "vitest";
import { OtherProtocol, readFetchAnswer, ServerRefused } from "./fetch-answer.ts";
import { BrokenPackets, delimiterPacket, flushPacket, pktLine } from "./pkt-line.ts";

const commit = "2c17f1d82432cbd7de2ae89661ca51c1fd1ae5b3";
const other = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/** A packet of a side-band. */
const band = (number: number, text: string) =>
  `${(text.length + 5).toString(16).padStart(4, "0")}${String.fromCodePoint(number)}${text}`;

const packfile = pktLine("packfile");
const shallowInfo = `${pktLine("shallow-info")}${pktLine(`shallow ${commit}`)}${delimiterPacket}`;
const manyEnds = `${pktLine("shallow-info")}${pktLine(`shallow ${commit}`).repeat(1_001)}${delimiterPacket}`;

async function read(answer: string) {
  let pack = "";
  async function* pieces(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(answer, "latin1");
  }
  const ends = await readFetchAnswer(pieces(), (piece) => {
    pack += piece.toString("latin1");
  });
  return { ...ends, pack };
}

test("the pack is what comes on the first band, in order, without progress and signs of life", async () => {
  const pack = band(1, "PACK\u0000") + band(2, "Counting objects\r") + band(1, "") + band(2, "") + band(1, "\u00ffend");
  expect(await read(`${shallowInfo}${packfile}${pack}${flushPacket}`)).toEqual({
    pack: "PACK\u0000\u00ffend",
    shallow: [commit],
    unshallow: [],
  });
});

test("what the server has in common with us may come first, and history may go on somewhere", async () => {
  const acknowledged = `${pktLine("acknowledgments")}${pktLine(`ACK ${commit}`)}${pktLine("ready")}${delimiterPacket}`;
  const info = `${pktLine("shallow-info")}${pktLine(`shallow ${commit}`)}${pktLine(`unshallow ${other}`)}${delimiterPacket}`;
  const answer = `${acknowledged}${info}${packfile}${band(1, "PACK")}${flushPacket}`;
  expect(await read(answer)).toEqual({ pack: "PACK", shallow: [commit], unshallow: [other] });
});

test.each([
  ["at once", pktLine("ERR upload-pack: not our ref")],
  ["among the ends of history", `${pktLine("shallow-info")}${pktLine("ERR upload-pack: not our ref")}`],
  ["before the pack", `${shallowInfo}${pktLine("ERR upload-pack: not our ref")}`],
  ["in the middle of the pack", `${packfile}${band(1, "PACK")}${band(3, "upload-pack: not our ref\n")}`],
  ["in the place of a band", `${packfile}${pktLine("ERR upload-pack: not our ref")}`],
])("a server that refuses %s is heard", async (_, answer) => {
  await expect(read(answer)).rejects.toThrow(new ServerRefused("upload-pack: not our ref"));
});

test.each([
  ["lists what it can do", `${pktLine("version 2")}${flushPacket}`],
  ["lists branches", `${pktLine(`${commit} HEAD`)}${flushPacket}`],
  ["answers in the old way", `${pktLine("NAK")}PACK`],
  ["says nothing", ""],
  ["does not understand", pktLine("ERR upload-pack: protocol error, expected to get object ID, not 'command=fetch'")],
])("a server that %s speaks another protocol", async (_, answer) => {
  await expect(read(answer)).rejects.toThrow(OtherProtocol);
});

test.each([
  ["is no packets", "<html>"],
  ["ends before the pack", shallowInfo],
  ["ends without a pack", `${shallowInfo}${flushPacket}`],
  ["is an end", flushPacket],
  ["ends in the pack", `${packfile}${band(1, "PACK")}`],
  ["ends in a packet", `${packfile}${band(1, "PACK").slice(0, -1)}`],
  ["begins something else in the pack", `${packfile}${band(1, "PACK")}${delimiterPacket}`],
  ["ends as no answer to a request does", `${packfile}${band(1, "PACK")}0002`],
  ["goes on after its end", `${packfile}${band(1, "PACK")}${flushPacket}${band(1, "more")}`],
  ["has another band", `${packfile}${band(4, "PACK")}`],
  ["has an empty packet for a band", `${packfile}0004`],
  ["has a part that nobody asked for", `${shallowInfo}${pktLine("packfile-uris")}`],
  ["has no end of ends of history", `${manyEnds}${packfile}${band(1, "PACK")}${flushPacket}`],
  ["names no commit as an end of history", `${pktLine("shallow-info")}${pktLine("shallow ../../config")}`],
])("an answer that %s is broken", async (_, answer) => {
  await expect(read(answer)).rejects.toThrow(BrokenPackets);
});
