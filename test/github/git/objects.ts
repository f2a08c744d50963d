import { createHash } from "node:crypto";

export type ObjectType = "blob" | "tree" | "commit" | "tag";

export interface TreeEntry {
  /** As the API writes it: `040000` for a tree, where git itself stores `40000`. */
  readonly mode: string;
  readonly name: string;
  readonly oid: string;
}

export interface Signature {
  readonly name: string;
  readonly email: string;
  /** Seconds since 1970. */
  readonly seconds: number;
  /** As git writes it: `+0000`. */
  readonly timezone: string;
}

export interface Commit {
  readonly oid: string;
  readonly tree: string;
  readonly parents: readonly string[];
  readonly author: Signature;
  readonly committer: Signature;
  readonly message: string;
  /** The `gpgsig` header, unfolded. */
  readonly signature?: string;
}

/** The SHA-1 that git gives an object. */
export function objectId(type: ObjectType, content: Uint8Array): string {
  return createHash("sha1").update(`${type} ${content.byteLength}\0`).update(content).digest("hex");
}

/** The type an entry's mode implies. */
export function typeOfMode(mode: string): "blob" | "tree" | "commit" {
  if (mode === "040000") return "tree";
  return mode === "160000" ? "commit" : "blob";
}

/** Encodes a tree in git's own order: by name, where a tree's name counts with a `/` at its end. */
export function encodeTree(entries: readonly TreeEntry[]): Buffer {
  const sortable = entries.map((entry) => ({
    entry,
    key: Buffer.from(entry.mode === "040000" ? `${entry.name}/` : entry.name),
  }));
  sortable.sort((left, right) => Buffer.compare(left.key, right.key));
  return Buffer.concat(
    sortable.flatMap(({ entry }) => [
      Buffer.from(`${entry.mode.replace(/^0/, "")} ${entry.name}\0`),
      Buffer.from(entry.oid, "hex"),
    ]),
  );
}

export function decodeTree(content: Buffer): TreeEntry[] {
  const entries: TreeEntry[] = [];
  for (let at = 0; at < content.length;) {
    const space = content.indexOf(0x20, at);
    const nul = content.indexOf(0, space);
    entries.push({
      mode: content.toString("latin1", at, space).padStart(6, "0"),
      name: content.toString("utf8", space + 1, nul),
      oid: content.toString("hex", nul + 1, nul + 21),
    });
    at = nul + 21;
  }
  return entries;
}

function encodeSignature(signature: Signature): string {
  return `${signature.name} <${signature.email}> ${signature.seconds} ${signature.timezone}`;
}

function decodeSignature(text: string): Signature {
  const match = /^(?<name>.*?) ?<(?<email>[^>]*)> (?<seconds>-?\d+) (?<timezone>[+-]\d{4})$/.exec(text);
  const { name = "", email = "", seconds = "0", timezone = "+0000" } = match?.groups ?? {};
  return { name, email, seconds: Number(seconds), timezone };
}

export function encodeCommit(commit: Omit<Commit, "oid">): Buffer {
  const headers = [
    `tree ${commit.tree}`,
    ...commit.parents.map((parent) => `parent ${parent}`),
    `author ${encodeSignature(commit.author)}`,
    `committer ${encodeSignature(commit.committer)}`,
    ...(commit.signature === undefined ? [] : [`gpgsig ${commit.signature.trimEnd().replaceAll("\n", "\n ")}`]),
  ];
  return Buffer.from(`${headers.join("\n")}\n\n${commit.message}`);
}

export function decodeCommit(oid: string, content: Buffer): Commit {
  const text = content.toString("utf8");
  const end = text.indexOf("\n\n");
  const headers = text.slice(0, end).replaceAll("\n ", "\u0001").split("\n");
  const value = (name: string): string | undefined =>
    headers
      .find((line) => line.startsWith(`${name} `))
      ?.slice(name.length + 1)
      .replaceAll("\u0001", "\n");
  const signature = value("gpgsig");
  return {
    oid,
    tree: value("tree") ?? "",
    parents: headers.filter((line) => line.startsWith("parent ")).map((line) => line.slice(7)),
    author: decodeSignature(value("author") ?? ""),
    committer: decodeSignature(value("committer") ?? ""),
    message: text.slice(end + 2),
    ...(signature === undefined ? {} : { signature }),
  };
}

/** The instant of a signature, as the API writes it: UTC to the second. */
export function signatureDate(signature: Signature): string {
  return new Date(signature.seconds * 1000).toISOString().replace(".000Z", "Z");
}
