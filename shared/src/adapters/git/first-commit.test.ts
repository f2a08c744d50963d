import { createHash } from "node:crypto";
import { deflateSync } from "node:zlib";
import { expect, test } from "vitest";
import { treeOfFirstCommit } from "./first-commit.ts";

const tree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
const people = "author Ada <ada@example.org> 0 +0000\ncommitter Ada <ada@example.org> 0 +0000\n";

const idOf = (content: string): string =>
  createHash("sha1")
    .update(`commit ${Buffer.byteLength(content)}\0${content}`)
    .digest("hex");

/** The beginning of a pack, as git writes it. */
function packOf(content: string, type = 1): Buffer {
  let left = Buffer.byteLength(content);
  const header = [(type << 4) | (left & 15)];
  for (left >>= 4; left > 0; left >>= 7) {
    header[header.length - 1] = (header.at(-1) ?? 0) | 0x80;
    header.push(left & 0x7f);
  }
  const next = Buffer.from("what comes next");
  return Buffer.concat([Buffer.from("PACK\0\0\0\u0002\0\0\0\u0003"), Buffer.from(header), deflateSync(content), next]);
}

test.each([
  ["short", "x"],
  ["long", "x".repeat(5_000)],
  ["written in another alphabet", "Größe"],
])("a commit that is %s tells its tree", (_, message) => {
  const content = `tree ${tree}\n${people}\n${message}\n`;
  expect(treeOfFirstCommit(packOf(content), idOf(content))).toBe(tree);
});

test("nothing else is taken for the commit", () => {
  const content = `tree ${tree}\n${people}\nit\n`;
  const pack = packOf(content);
  expect(treeOfFirstCommit(pack, idOf(`${content} `))).toBeUndefined();
  expect(treeOfFirstCommit(packOf(content, 3), idOf(content))).toBeUndefined();
  expect(treeOfFirstCommit(pack.subarray(0, 40), idOf(content))).toBeUndefined();
  expect(treeOfFirstCommit(Buffer.from("PACK"), idOf(content))).toBeUndefined();
  expect(
    treeOfFirstCommit(Buffer.concat([pack.subarray(0, 14), Buffer.from("no zlib")]), idOf(content)),
  ).toBeUndefined();
});
