import type { Output } from "../io.ts";
import { neutralise, oneLine, type Paint } from "../terminal.ts";

/** A piece of what a step printed. */
export interface Printed {
  /** The step's index, from 0. */
  readonly step: number;
  /** Where the piece begins in the step's log, in bytes. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/**
 * Prints each step's log under a heading, as it comes. Bytes that were printed already, by their offset, are not printed
 * again, and what comes late of a step before the last one is taken for printed. On a terminal, what would move its cursor or change its colours is shown instead.
 */
export class StepPrinter {
  readonly #output: Output;
  readonly #paint: Paint;
  readonly #names: readonly (string | undefined)[];
  #step = -1;
  #printedBytes = 0;
  #decoder = new TextDecoder();
  /** A carriage return whose line feed may be in the next piece. */
  #held = "";
  #isAtLineStart = true;

  constructor(output: Output, paint: Paint, names: readonly (string | undefined)[]) {
    this.#output = output;
    this.#paint = paint;
    this.#names = names;
  }

  print({ step, offset, bytes }: Printed): void {
    if (step < this.#step) return;
    if (step > this.#step) this.#begin(step);
    const news = bytes.subarray(Math.max(0, this.#printedBytes - offset));
    this.#printedBytes += news.byteLength;
    this.#write(this.#decoder.decode(news, { stream: true }), "more may come");
  }

  /** @param reached How many of the steps were come to; those that printed nothing have a heading all the same. */
  end(reached: number): void {
    if (reached - 1 > this.#step) this.#begin(reached - 1);
    this.#endLine();
  }

  /** Prints the headings up to that of a step. */
  #begin(step: number): void {
    this.#endLine();
    while (this.#step < step) {
      this.#step += 1;
      const name = this.#names[this.#step];
      const heading = `== step ${this.#step + 1}${name === undefined ? "" : ` (${oneLine(name)})`}`;
      this.#output.write(`${this.#paint("bold", heading)}\n`);
    }
    this.#printedBytes = 0;
    this.#decoder = new TextDecoder();
  }

  #endLine(): void {
    this.#write(this.#decoder.decode(), "last");
    if (!this.#isAtLineStart) this.#output.write("\n");
    this.#isAtLineStart = true;
  }

  #write(text: string, place: "more may come" | "last"): void {
    const all = this.#held + text;
    this.#held = place === "more may come" && all.endsWith("\r") ? "\r" : "";
    const now = all.slice(0, all.length - this.#held.length);
    if (now === "") return;
    this.#output.write(this.#output.isTerminal ? neutralise(now.replaceAll("\r\n", "\n")) : now);
    this.#isAtLineStart = now.endsWith("\n");
  }
}
