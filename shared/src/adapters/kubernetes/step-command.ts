import { pipes, launchFiles, stepPaths } from "./pod-layout.ts";

/**
 * What the container of a step runs, in any image that has `sh`, by its builtins alone: it says that it is there, waits
 * for its turn, runs the script, and says how that ended.
 *
 * The shell is the first process of its container. It waits for two things at once by reading one pipe: its child writes
 * to it when the script has ended, `conduct` when its time is over. When the shell exits, the kernel ends whatever else is
 * in the container, so nothing outlives its step, and a script that kills all it can reach only ends itself: a first
 * process cannot be killed from inside, and the pipe closes with the child. It exits 0 however the script ended, since a
 * container that fails ends its pod.
 */
export const stepCommand = [
  "sh",
  "-c",
  `own=${stepPaths.own}
exec 8>"$own/${pipes.told}"
echo here >&8
read -r word <"$own/${pipes.go}"
[ "$word" = run ] || exit 0
( exec 8>&- 9>"$own/${pipes.end}"
sh "$own/${launchFiles.start}" </dev/null >"$own/${pipes.stdout}" 2>"$own/${pipes.stderr}" 9>&-
echo "exited $?" >&9 ) &
read -r how code <"$own/${pipes.end}"
echo "\${how:-exited} \${code:-137}" >&8
exit 0`,
] as const;

/** What the last container runs: it is there, and goes when it is told to. Nobody can have failed but us. */
export const endCommand = [
  "sh",
  "-c",
  `own=${stepPaths.own}
exec 8>"$own/${pipes.told}"
echo here >&8
read -r word <"$own/${pipes.go}"
[ "$word" = done ]`,
] as const;
