/** What the process ends with. Scripts rely on these: a number never changes its meaning. */
export const exitCodes = {
  ok: 0,
  refused: 1,
  usage: 2,
  conflict: 3,
  notFound: 4,
  invalidSpec: 5,
  someFailed: 6,
  auditBroken: 7,
  unavailable: 69,
  unexpected: 70,
  timedOut: 75,
  notUnderstood: 76,
  denied: 77,
  configuration: 78,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** What each number means, for `octobatch help exit-codes` and docs/api/cli.md. */
export const exitCodeMeanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  ok: "Done. Work that goes on by itself, such as pull requests that wait for tomorrow's cap, is no failure.",
  refused: "The service refused or failed, or the question whether to go on was answered with no.",
  usage: "The command line is wrong, or a file that it names cannot be read or made.",
  conflict: "The campaign is not in a state that allows this, or was paused, killed or previewed anew meanwhile.",
  notFound: "There is no such campaign, repository or result.",
  invalidSpec: "The spec is not valid; each problem was printed with its line and column.",
  someFailed:
    "Finished, but repositories failed: with --fail-on-error, and when a step fails in `octobatch try` or in what `logs --follow` shows.",
  auditBroken: "The audit log is not intact.",
  unavailable: "The service cannot be reached, or says that it is unavailable.",
  unexpected: "Something went wrong in this command itself. OCTOBATCH_DEBUG=1 shows where.",
  timedOut: "Not finished within --timeout. What was started in the service goes on.",
  notUnderstood: "What answered is no Octobatch, or one of another version.",
  denied: "The token is missing, unknown or not allowed to do this.",
  configuration: "A setting that `octobatch dev` needs is missing or wrong.",
  interrupted: "Interrupted with Ctrl-C. What was started in the service goes on.",
  terminated: "Terminated by a signal. What was started in the service goes on.",
};

/** The table of `octobatch help exit-codes`. */
export function renderExitCodes(): string {
  const lines = Object.entries(exitCodeMeanings).map(([name, meaning]) => {
    // Object.entries forgets the names; they are those of the record's type.
    const code = exitCodes[name as keyof typeof exitCodes];
    return `${String(code).padStart(3)}  ${meaning}`;
  });
  return `Exit codes:\n${lines.join("\n")}\n`;
}
