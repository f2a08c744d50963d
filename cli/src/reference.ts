import { describeExitCodes, describeProgram } from "./describe-program.ts";
import { processIo } from "./process-io.ts";
import { createProgram } from "./program.ts";

/** Parts of docs/api/cli.md that are written from the code: what stands between two comments of this name. */
const parts = {
  reference: () => describeProgram(createProgram(processIo(), () => () => Promise.resolve(), { json: false })),
  "exit-codes": describeExitCodes,
} as const;

/**
 * The page with its generated parts as the code has them now.
 * @throws Error when the page has lost the comments around one.
 */
export function updateReference(page: string): string {
  return Object.entries(parts).reduce((text, [name, generate]) => {
    const [start, end] = [`<!-- ${name}: written by cli/src/print-reference.ts -->`, `<!-- end of ${name} -->`];
    const from = text.indexOf(start);
    const to = text.indexOf(end);
    if (from === -1 || to < from) throw new Error(`docs/api/cli.md has no "${start}" before an "${end}".`);
    return `${text.slice(0, from + start.length)}\n\n${generate()}\n\n${text.slice(to)}`;
  }, page);
}
