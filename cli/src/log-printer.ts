import type { LogEventBody } from "#shared/api/log-events.ts";
import type { Output } from "./io.ts";
import { neutralise, oneLine, type Paint } from "./terminal.ts";

/**
 * Prints a log as it comes: on a terminal each step under a heading, elsewhere what the steps print and nothing else. What
 * is to be said about it goes to standard error then.
 */
export function createLogPrinter(stdout: Output, stderr: Output, paint: Paint): (event: LogEventBody) => void {
  return stdout.isTerminal ? terminalPrinter(stdout, paint) : rawPrinter(stdout, stderr);
}

function rawPrinter(stdout: Output, stderr: Output): (event: LogEventBody) => void {
  return (event) => {
    if (event.event === "log") stdout.write(Buffer.from(event.base64, "base64"));
    const remark = remarkOn(event);
    if (remark !== undefined) stderr.write(`${remark}\n`);
  };
}

function terminalPrinter(stdout: Output, paint: Paint): (event: LogEventBody) => void {
  let decoder = new TextDecoder();
  let isAtLineStart = true;
  const print = (text: string): void => {
    if (text === "") return;
    stdout.write(text);
    isAtLineStart = text.endsWith("\n");
  };
  /** The end of what was printed: half a character or a line without an end. */
  const endText = (): void => {
    print(neutralise(decoder.decode()));
    if (!isAtLineStart) print("\n");
    decoder = new TextDecoder();
  };
  let held = "";
  return (event) => {
    if (event.event === "log") {
      const text = held + decoder.decode(Buffer.from(event.base64, "base64"), { stream: true });
      // A line feed that belongs to it may be yet to come.
      held = text.endsWith("\r") ? "\r" : "";
      print(neutralise(text.slice(0, text.length - held.length).replaceAll("\r\n", "\n")));
      return;
    }
    if (held !== "") print(neutralise(held));
    held = "";
    endText();
    if (event.event === "step-started") print(`${paint("bold", `== ${nameOf(event)}`)}\n`);
    if (event.event === "step-finished") print(`${paint("dim", `== ${factsOf(event)}`)}\n`);
    const remark = remarkOn(event);
    if (remark !== undefined) print(`${paint(event.event === "end" ? "red" : "yellow", `== ${remark}`)}\n`);
  };
}

function nameOf({ step, name }: Extract<LogEventBody, { event: "step-started" }>): string {
  return `step ${step + 1}${name === undefined ? "" : ` (${oneLine(name)})`}`;
}

function factsOf({ step, status, exitCode, durationMs }: Extract<LogEventBody, { event: "step-finished" }>): string {
  const code = exitCode === undefined ? [] : [`exit code ${exitCode}`];
  return [`step ${step + 1} ${status}`, ...code, `${(durationMs / 1000).toFixed(1)} s`].join(", ");
}

/** What a person has to know besides what the steps print. */
function remarkOn(event: LogEventBody): string | undefined {
  switch (event.event) {
    case "begin":
      return event.because === undefined
        ? undefined
        : `attempt ${event.attempt} begins, forget what is above: ${oneLine(event.because)}`;
    case "held":
      return `step ${event.step + 1} prints very much: the rest follows when it has ended`;
    case "end": {
      const missing = event.whole ? "" : "; not all of the logs are there";
      if (event.status === "no-change" || event.status === "patch") return event.whole ? undefined : `ended${missing}`;
      return `${event.status}: ${oneLine(event.because ?? "the service does not say why")}${missing}`;
    }
    case "step-started":
    case "log":
    case "step-finished":
      return undefined;
  }
}
