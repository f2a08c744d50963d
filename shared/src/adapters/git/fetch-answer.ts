import { BrokenPackets, readPackets } from "./pkt-line.ts";

/** Where the history that was sent ends. */
export interface HistoryEnds {
  readonly shallow: readonly string[];
  readonly unshallow: readonly string[];
}

/** The server refuses, in its own words. */
export class ServerRefused extends Error {
  override readonly name = "ServerRefused";
}

/** What answers does not speak git's protocol version 2. */
export class OtherProtocol extends Error {
  override readonly name = "OtherProtocol";
}

type Section = (typeof sections)[number];
const sections = ["acknowledgments", "shallow-info", "packfile"] as const;

/** Of one commit there is one, and what was known has a few. */
const mostEnds = 1_000;

const sideBand = { pack: 1, progress: 2, error: 3 } as const;

/**
 * Reads the answer to a {@link fetchRequest}, to its end: https://git-scm.com/docs/protocol-v2#_fetch.
 *
 * @param keep Gets the pack, piece by piece.
 * @throws ServerRefused, OtherProtocol, or BrokenPackets for an answer that is none or ends too early; and what `keep` and
 * the stream throw.
 */
export async function readFetchAnswer(
  answer: AsyncIterable<Uint8Array>,
  keep: (piece: Buffer) => void | Promise<void>,
): Promise<HistoryEnds> {
  const ends: Record<keyof HistoryEnds, string[]> = { shallow: [], unshallow: [] };
  let section: Section | undefined;
  let isFirst = true;
  let isComplete = false;
  for await (const packet of readPackets(answer)) {
    if (isComplete) throw new BrokenPackets("it goes on after its end");
    if (packet === "flush" && section === "packfile") isComplete = true;
    else if (packet === "delimiter" && section !== "packfile") section = undefined;
    else if (typeof packet === "string") throw new BrokenPackets("it has no pack");
    else if (section === undefined) section = sectionOf(packet, isFirst);
    else if (section === "shallow-info") addEnd(ends, packet);
    else if (section === "packfile") await unband(packet, keep);
    isFirst = false;
  }
  if (isFirst) throw new OtherProtocol("it is empty");
  if (!isComplete) throw new BrokenPackets("it ends too early");
  return ends;
}

function sectionOf(packet: Buffer, isFirst: boolean): Section {
  const line = lineOf(packet);
  refuseIfRefused(line);
  const section = sections.find((each) => each === line);
  if (section !== undefined) return section;
  const found = JSON.stringify(line.slice(0, 60));
  throw isFirst ? new OtherProtocol(`it begins with ${found}`) : new BrokenPackets(`it has an unknown part ${found}`);
}

function addEnd(ends: Record<keyof HistoryEnds, string[]>, packet: Buffer): void {
  const line = lineOf(packet);
  refuseIfRefused(line);
  const { kind, commit } = /^(?<kind>shallow|unshallow) (?<commit>[0-9a-f]{40})$/.exec(line)?.groups ?? {};
  if ((kind !== "shallow" && kind !== "unshallow") || commit === undefined) {
    throw new BrokenPackets(`it has an unknown line ${JSON.stringify(line.slice(0, 60))}`);
  }
  if (ends[kind].length >= mostEnds) throw new BrokenPackets("it has too many ends of history");
  ends[kind].push(commit);
}

async function unband(packet: Buffer, keep: (piece: Buffer) => void | Promise<void>): Promise<void> {
  const [band] = packet;
  const piece = packet.subarray(1);
  if (band === sideBand.pack) await keep(piece);
  else if (band === sideBand.error) throw new ServerRefused(lineOf(piece));
  else if (band !== sideBand.progress) {
    refuseIfRefused(lineOf(packet));
    throw new BrokenPackets(`it has an unknown band ${band}`);
  }
}

/** Errors may come at any place: https://git-scm.com/docs/gitprotocol-pack#_pkt_line_format */
function refuseIfRefused(line: string): void {
  if (!line.startsWith("ERR ")) return;
  const said = line.slice("ERR ".length);
  // So says a server to which our request is none, since it was not told of the version.
  if (/protocol error/i.test(said)) throw new OtherProtocol(`it says ${JSON.stringify(said.slice(0, 200))}`);
  throw new ServerRefused(said);
}

function lineOf(packet: Buffer): string {
  return packet.toString("utf8").trimEnd();
}
