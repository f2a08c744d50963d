import type { Output } from "./io.ts";
import { truncate } from "./text-width.ts";

/** Tells a person how far something is. */
export interface Progress {
  /** Says where things stand now; saying the same again changes nothing. */
  show(line: string): void;
  /** Takes the line away, where it can be taken away: what follows is the result. */
  done(): void;
}

/** One line that is written over on a terminal, a line for each change elsewhere. */
export function createProgress(output: Output, options: { readonly overwrite: boolean }): Progress {
  let shown: string | undefined;
  const clear = "\r\u001b[2K";
  return {
    show(line) {
      if (line === shown) return;
      shown = line;
      output.write(options.overwrite ? clear + truncate(line, output.columns - 1) : `${line}\n`);
    },
    done() {
      if (options.overwrite && shown !== undefined) output.write(clear);
      shown = undefined;
    },
  };
}

/** For whom nothing is shown: scripts that asked for JSON. */
export const silent: Progress = { show: () => {}, done: () => {} };
