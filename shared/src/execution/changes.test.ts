import { expect, test } from "vitest";
import type { FileChange } from "#shared/ports/code-host.ts";
import { decodeChanges, encodeChanges } from "./changes.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test("changes come back byte for byte", () => {
  const changes: FileChange[] = [
    { kind: "delete", path: "old.txt" },
    { kind: "write", path: "text.md", mode: "100644", content: bytes("één\r\n") },
    { kind: "write", path: "bom", mode: "100644", content: bytes("\uFEFFbom") },
    { kind: "write", path: "empty", mode: "100755", content: bytes("") },
    { kind: "write", path: "link", mode: "120000", content: bytes("text.md") },
    { kind: "write", path: "binary", mode: "100644", content: Uint8Array.from([0xff, 0x00, 0xfe]) },
  ];
  expect(decodeChanges(encodeChanges(changes))).toEqual(changes);
});

test("text stays readable in the blob", () => {
  const blob = encodeChanges([{ kind: "write", path: "a", mode: "100644", content: bytes("hello") }]);
  expect(new TextDecoder().decode(blob)).toContain('"hello"');
});

test("what is no list of changes is refused", () => {
  const texts = ["{}", '{"version":2,"changes":[]}', '{"version":1,"changes":[{"kind":"write","path":"a"}]}'];
  for (const text of texts) expect(() => decodeChanges(bytes(text))).toThrow(/"path"/);
});
