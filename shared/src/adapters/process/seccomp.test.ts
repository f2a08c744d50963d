import { expect, test } from "vitest";
import { seccompProgram } from "./seccomp.ts";

test.each(["x64", "arm64"])(
  "the program for %s is whole: every jump lands inside it and its last word allows",
  (processor) => {
    const program = seccompProgram(processor);
    const count = (program?.length ?? 0) / 8;
    expect(Number.isInteger(count)).toBe(true);
    for (let index = 0; index < count; index += 1) {
      const furthest = Math.max(program?.readUInt8(index * 8 + 2) ?? 0, program?.readUInt8(index * 8 + 3) ?? 0);
      expect(index + 1 + furthest).toBeLessThanOrEqual(count - 1 + (index === count - 1 ? 1 : 0));
    }
    expect(program?.readUInt32LE((count - 1) * 8 + 4)).toBe(0x7fff_0000);
  },
);

test("there is none for a processor whose system calls we have no numbers of", () => {
  expect(seccompProgram("riscv64")).toBeUndefined();
});
