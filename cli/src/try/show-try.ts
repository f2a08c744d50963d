import { CliError } from "../cli-error.ts";
import { exitCodes, type ExitCode } from "../exit-codes.ts";
import type { Output } from "../io.ts";
import { renderDiff } from "../render-diff.ts";
import type { Session } from "../session.ts";
import { paintFor } from "../terminal.ts";
import { nameOf, renderBeginning, renderEnd, renderPatchHeading, tryDocument } from "./render-try.ts";
import type { TriedWorkspace } from "./run-steps.ts";
import { runTry, type TryRequest, type TryWatcher } from "./run-try.ts";
import { StepPrinter } from "./step-printer.ts";

/**
 * Runs the steps of a spec on one repository and shows it: what steps print goes to standard error as it comes, and the
 * patch to standard output, so that it can be passed on. With --json there is one document, at the end.
 */
export async function showTry(
  { io, options, print, paint }: Session,
  request: TryRequest,
): Promise<{ readonly code: ExitCode; readonly patch: Uint8Array }> {
  const tried: TriedWorkspace[] = [];
  // A document stands alone.
  const news: Output = options.json ? { ...io.stderr, write: () => {} } : io.stderr;
  const paintNews = paintFor(news, io.env, options.color);
  let about: Parameters<TryWatcher["began"]> | undefined;
  let printer: StepPrinter | undefined;
  await runTry(request, io, {
    began(...subject) {
      about = subject;
      const [spec, repository] = subject;
      news.write(renderBeginning(spec, repository, paintNews));
    },
    beganWorkspace({ path }) {
      if (about === undefined) return;
      const [{ steps }, repository, { length }] = about;
      if (length > 1) news.write(`${paintNews("bold", nameOf(repository, path || "."))}\n`);
      const names = steps.map(({ name }) => name);
      printer = new StepPrinter(news, paintNews, names);
    },
    printed: (piece) => printer?.print(piece),
    endedWorkspace(workspace) {
      printer?.end(workspace.result.steps.filter(({ status }) => status !== "not-reached").length);
      news.write(renderEnd(workspace, paintNews));
      tried.push(workspace);
    },
  });
  if (about === undefined) throw new TypeError("what was tried is told before it ends");
  const [spec, repository] = about;
  if (options.json) print("", tryDocument(spec, repository, tried));
  else {
    for (const workspace of tried.filter(({ patch }) => patch.byteLength > 0)) {
      io.stdout.write(`${paint("bold", renderPatchHeading(repository, workspace))}\n`);
      const { patch } = workspace;
      io.stdout.write(io.stdout.isTerminal ? renderDiff(Buffer.from(patch).toString("utf8"), paint) : patch);
    }
  }
  return { code: codeOf(tried), patch: Buffer.concat(tried.map(({ patch }) => patch)) };
}

/** @throws CliError when it was this machine that failed. */
function codeOf(tried: readonly TriedWorkspace[]): ExitCode {
  for (const { result } of tried) {
    const { outcome } = result;
    if (outcome.status !== "failed") continue;
    if (outcome.failure.kind !== "infrastructure") return exitCodes.someFailed;
    throw new CliError("unavailable", "infrastructure", outcome.failure.message);
  }
  return exitCodes.ok;
}
