import { specLimits } from "./limits.ts";
import { pathObjection, type Objection } from "./schema/text.ts";

/** Where files of a step may not be placed: the system's own places, and the checkout, whose files are the patch. */
export const forbiddenFolders = [
  "/bin",
  "/boot",
  "/dev",
  "/etc",
  "/lib",
  "/lib32",
  "/lib64",
  "/libx32",
  "/proc",
  "/run",
  "/sbin",
  "/sys",
  "/usr",
  "/var",
  "/workspace",
] as const;

/** Why no file can be placed at this path in the sandbox. */
export function sandboxPathObjection(path: string): Objection | undefined {
  if (!path.startsWith("/"))
    return { message: "is not absolute", remedy: "start it with a slash, such as /octobatch/script.sh" };
  const objection = pathObjection(path);
  if (objection !== undefined) return objection;
  if (path === "/tmp") return { message: "is a folder", remedy: "place it below /tmp" };
  const folder = forbiddenFolders.find((forbidden) => path === forbidden || path.startsWith(`${forbidden}/`));
  if (folder === undefined) return undefined;
  return folder === "/workspace"
    ? {
        message: "is in the checkout",
        remedy: "place it elsewhere, and let the script copy it to where the change needs it",
      }
    : { message: `is in ${folder}, which belongs to the system`, remedy: "place it elsewhere, such as in /octobatch" };
}

/** The path among these that would have to be a folder, because another one lies in it. */
export function fileThatIsAFolder(paths: readonly string[]): string | undefined {
  const files = new Set(paths);
  return paths
    .filter((path) => path.length <= specLimits.filePathCharacters)
    .flatMap(foldersOf)
    .find((folder) => files.has(folder));
}

/** `/a` and `/a/b` for `/a/b/c`. */
function foldersOf(path: string): readonly string[] {
  const slashes = [...path.matchAll(/(?!^)\//g)].map(({ index }) => index);
  return slashes.map((index) => path.slice(0, index));
}
