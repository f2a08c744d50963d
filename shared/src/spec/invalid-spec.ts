import { Rejected } from "#shared/errors.ts";

/** Something that is wrong with a spec, and where. */
export interface SpecProblem {
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 code units, as editors count. */
  readonly column: number;
  /** Such as `steps[1].timeout`; empty for the document as a whole. */
  readonly path: string;
  readonly message: string;
  /** What to do about it, when the message does not say so already. */
  readonly remedy?: string | undefined;
}

/** How many problems a message shows; the error carries all of them. */
const shownProblems = 100;

/** The spec says what it cannot say. Its message has one line for each problem, as `file:line:column path: message`. */
export class InvalidSpec extends Rejected {
  readonly problems: readonly SpecProblem[];
  constructor(problems: readonly SpecProblem[], source: string, options?: ErrorOptions) {
    const lines = problems.slice(0, shownProblems).map((problem) => renderProblem(problem, source));
    const more = problems.length - lines.length;
    super("invalid", [...lines, ...(more > 0 ? [`and ${more} more problems`] : [])].join("\n"), options);
    this.problems = problems;
  }
}

function renderProblem({ line, column, path, message, remedy }: SpecProblem, source: string): string {
  const place = path === "" ? "" : ` ${path}`;
  return `${source}:${line}:${column}${place}: ${message}${remedy === undefined ? "" : `; ${remedy}`}`;
}
