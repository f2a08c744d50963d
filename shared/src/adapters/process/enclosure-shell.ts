import { enter, type Launch, type Launched } from "./launcher/launch.ts";
import { shellQuote } from "./shell-quote.ts";

/** A program to start inside of an enclosure. */
export interface EnclosedLaunch extends Launch {
  readonly input?: Uint8Array | undefined;
  /** Whether it belongs to the enclosure's control groups, if there are any. */
  readonly limited?: boolean;
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
    (. "$commands/$name") >&3 2>&4 3>&- 4>&- 5>&- || code=$?
    echo "$name $code"
  } 3>"$commands/stdout" 4>"$commands/stderr" &
done`;

/**
 * Starts a second such shell, which belongs to the control groups that are the parameters, and so does all that it starts. To
 * join one takes the kernel 10 ms and more (it waits for all its readers), to be born there takes nothing. It is told by the
 * FIFO `limited` and says `lost` when it has ended: the kernel may end it for want of memory.
 */
export const startLimitedShell = `
exec 5<>"$commands/limited"
{
  (
    # Nobody could start a step any more if the kernel took this shell for what needs too much.
    read -r score </proc/self/oom_score_adj
    { echo -1000 >/proc/self/oom_score_adj; } 2>/dev/null || :
    for file do
      { echo 0 >"$file"; } 2>/dev/null || unjoined=$file
    done
    ${shellLoop}
  ) <&5 5>&- || :
  echo lost
} &`;

/** What a script of the limited shell begins with. */
const likeOthers = '{ echo "$score" >/proc/self/oom_score_adj; } 2>/dev/null || :';
const unlessUnjoined =
  '[ -z "${unjoined:-}" ] || { echo "octobatch: the control group of $unjoined cannot be joined" >&2; exit 125; }';

/** How long output may stay open after its command has ended: whoever reads it may have much to do. */
const closingMs = 10_000;

/** How long the end of a command may take to be said after its output has ended: they come by two ways. */
const sayingMs = 2000;

export interface EnclosureShell {
  /** @throws Error while what it started before is not closed yet: there is one pair of FIFOs. */
  start(command: EnclosedLaunch): Launched;
  /** Takes what the shell said: how something ended, or that the limited one did. */
  hear(line: string): void;
  /** Ends the enclosure. Nothing is started in it from now on. */
  kill(): void;
  /** The shell has ended, and everything with it. */
  end(): void;
}

export function createEnclosureShell(options: {
  readonly shell: Launched;
  /** The directory of the scripts, as this process sees it. */
  readonly commands: string;
  /** Whether there is a limited shell, too. */
  readonly hasLimited: boolean;
  /** Ends the enclosure: nothing in it can be ended alone. */
  readonly kill: () => void;
}): EnclosureShell {
  const { shell, commands, hasLimited } = options;
  let hasEnded = false;
  let isLimitedLost = false;
  let current:
    | {
        readonly output: Launched;
        readonly ended: (exitCode: number | undefined) => void;
        readonly limited: boolean;
      }
    | undefined;

  function kill(): void {
    hasEnded = true;
    options.kill();
  }

  return {
    kill,
    start(command) {
      if (current !== undefined) throw new Error("An enclosure runs one command at a time.");
      const { input, onOutput } = command;
      const limited = hasLimited && command.limited === true;
      if (limited && isLimitedLost) kill();
      if (hasEnded) return alreadyEnded;
      const { promise: exitCode, resolve: ended } = Promise.withResolvers<number | undefined>();
      const script = scriptOf(command, limited);
      const output = enter({
        shell,
        directory: commands,
        script,
        input,
        onOutput,
        ...(limited && { fifo: "limited" }),
      });
      current = { output, ended, limited };
      // Somebody who was ended while it was starting another leaves that behind, asleep, with its output open.
      void exitCode.then(() =>
        unlessWithin(
          closingMs,
          output.closed.catch(() => undefined),
          kill,
        ),
      );
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
      if (line === "lost") {
        isLimitedLost = true;
        if (current?.limited === true) kill();
        return;
      }
      const [name, exitCode] = line.split(" ").map(Number);
      if (name === current?.output.id) current?.ended(exitCode);
    },
    end() {
      hasEnded = true;
      current?.ended(undefined);
      current?.output.kill();
    },
  };

  function scriptOf({ argv, environment, directory, input, files = [] }: EnclosedLaunch, limited: boolean): string {
    return [
      ...(limited ? [likeOthers, unlessUnjoined] : []),
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
