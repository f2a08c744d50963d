import { expect, test } from "vitest";
import { plain } from "../terminal.ts";
import { createTestIo } from "../testing/test-io.ts";
import { StepPrinter } from "./step-printer.ts";

/** What is printed of pieces of two steps. */
function printed(
  pieces: readonly (readonly [step: number, offset: number, bytes: string | Uint8Array])[],
  terminal = false,
) {
  const io = createTestIo({ terminal });
  const printer = new StepPrinter(io.stdout, plain, ["Build", undefined]);
  for (const [step, offset, bytes] of pieces) printer.print({ step, offset, bytes: Buffer.from(bytes) });
  printer.end(2);
  return io.printed.out();
}

test("each step has a heading, and its last line an end", () => {
  expect(
    printed([
      [0, 0, "a\nb"],
      [1, 0, "c"],
    ]),
  ).toBe("== step 1 (Build)\na\nb\n== step 2\nc\n");
});

test("what was printed already is not printed again", () => {
  expect(
    printed([
      [0, 0, "one "],
      [0, 2, "e two "],
      [0, 0, "one two three"],
      [1, 0, "four"],
      [0, 0, "one two three, and more"],
    ]),
  ).toBe("== step 1 (Build)\none two three\n== step 2\nfour\n");
});

test("a step that prints nothing has its heading, too", () => {
  expect(printed([[1, 0, "late\n"]])).toBe("== step 1 (Build)\n== step 2\nlate\n");
  expect(printed([[0, 0, ""]])).toBe("== step 1 (Build)\n== step 2\n");
});

test("a character or a line's end that is cut in two is put together", () => {
  const [first, second] = [Buffer.from("é").subarray(0, 1), Buffer.from("é").subarray(1)];
  expect(
    printed(
      [
        [0, 0, first],
        [0, 1, second],
        [0, 2, "\r"],
        [0, 3, "\nx"],
      ],
      true,
    ),
  ).toBe("== step 1 (Build)\né\nx\n== step 2\n");
});

test("a terminal is shown what would move its cursor", () => {
  expect(printed([[0, 0, "\u001b[2Jgone\rback"]], true)).toBe("== step 1 (Build)\n␛[2Jgone␍back\n== step 2\n");
});
