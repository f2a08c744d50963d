import { delimiterPacket, flushPacket, pktLine } from "./pkt-line.ts";

/** What a repository has already; of an empty one both are empty. */
export interface KnownCommits {
  /** Commits whose trees are there as a whole. */
  readonly commits: readonly string[];
  /** Those whose parents are not there. */
  readonly shallow: readonly string[];
}

/**
 * The body of a request for one commit without its history: https://git-scm.com/docs/protocol-v2#_fetch. Nothing was
 * asked of the server before, so only what every server of that version takes is in it.
 *
 * Where something is known, a thin pack is asked for, which only differs from that: git leaves out files of commits that
 * are no parents of the wanted one for a thin pack alone.
 */
export function fetchRequest(want: string, { commits, shallow }: KnownCommits): Buffer {
  const lines = [
    `want ${want}`,
    ...shallow.map((commit) => `shallow ${commit}`),
    ...commits.map((commit) => `have ${commit}`),
    ...(commits.length > 0 ? ["thin-pack"] : []),
    "deepen 1",
    "no-progress",
    "ofs-delta",
    "done",
  ];
  const packets = [pktLine("command=fetch"), delimiterPacket, ...lines.map((line) => pktLine(line)), flushPacket];
  return Buffer.from(packets.join(""), "latin1");
}
