import { enter, type Launch, type Launched } from "./launcher/launch.ts";
import { shellQuote } from "./shell-quote.ts";

/** A program to start inside of an enclosure. */
export interface EnclosedLaunch extends Launch {
  readonly input?: Uint8Array | undefined;
  /** The files of control groups that it joins before anything else. */
  readonly joins?: readonly string[];
}

/**
 * What the first process of an enclosure does, a shell: it starts what it is told, each in a shell of its own, and says how
 * that ended, until its input ends. `$commands` is the directory of the scripts, of which it is told the name. The output
 * of a script stays open until its end has been said, so that output which ends without that shows that nobody will say it.
 */
export const shellLoop = `
while read -r name; do
  {
    code=0
    (. "$commands/$name") >&3 2>&4 3>&- 4>&- || code=$?
    echo "$name $code"
  } 3>"$commands/stdout" 4>"$commands/stderr" &
done`;

/** How long the end of a command may take to be said after its output has ended: they come by two ways. */
const sayingMs = 2000;

export interface EnclosureShell {
  /** @throws Error while what it started before is not closed yet: there is one pair of FIFOs. */
  start(command: EnclosedLaunch): Launched;
  /** Takes what the shell said: how something ended. */
  hear(line: string): void;
  /** The shell has ended, and everything with it. */
  end(): void;
}

/** @param kill Ends the enclosure: nothing in it can be ended alone. */
export function createEnclosureShell(shell: Launched, commands: string, kill: () => void): EnclosureShell {
  let hasEnded = false;
  let current: { readonly output: Launched; readonly ended: (exitCode: number | undefined) => void } | undefined;
  return {
    start(command) {
      if (current !== undefined) throw new Error("An enclosure runs one command at a time.");
      if (hasEnded) return alreadyEnded;
      const { promise: exitCode, resolve: ended } = Promise.withResolvers<number | undefined>();
      const { input, onOutput } = command;
      const output = enter({ shell, directory: commands, script: scriptOf(command), input, onOutput });
      current = { output, ended };
      void output.closed.then(
        () =>
          unlessWithin(sayingMs, exitCode, () => {
            kill();
            ended(undefined);
          }),
        // It was not even begun, as whoever waits for it is told.
        () => undefined,
      );
      return {
        id: output.id,
        kill,
        mute: (stream) => output.mute(stream),
        exited: exitCode.then(() => undefined),
        closed: Promise.all([exitCode, output.closed])
          .then(([code]) => code)
          .finally(() => (current = undefined)),
      };
    },
    hear(line) {
      const [name, exitCode] = line.split(" ").map(Number);
      if (name === current?.output.id) current?.ended(exitCode);
    },
    end() {
      hasEnded = true;
      current?.ended(undefined);
      current?.output.kill();
    },
  };

  function scriptOf({ argv, environment, directory, input, files = [], joins = [] }: EnclosedLaunch): string {
    return [
      // The one who writes it is the one who joins.
      ...joins.map((file) => `echo 0 >${shellQuote(file)} || exit 125`),
      ...(input === undefined ? [] : [`exec <"$commands/$name.input"`]),
      ...files.map((file, index) => `exec ${index + 3}<${shellQuote(file)}`),
      `cd ${shellQuote(directory)}`,
      "unset LC_ALL",
      ...Object.entries(environment).map(([name, value]) => `export ${name}=${shellQuote(value)}`),
      `exec ${argv.map(shellQuote).join(" ")}`,
      "",
    ].join("\n");
  }
}

function unlessWithin(ms: number, awaited: Promise<unknown>, act: () => void): void {
  const timer = setTimeout(act, ms);
  void awaited.then(() => clearTimeout(timer));
}

const alreadyEnded: Launched = {
  id: 0,
  kill: () => undefined,
  mute: () => undefined,
  exited: Promise.resolve(),
  closed: Promise.resolve(undefined),
};
