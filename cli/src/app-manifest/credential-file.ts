import { open, rm, stat, writeFile } from "node:fs/promises";
import { CliError } from "../cli-error.ts";

/** A file that is there before anything is asked of GitHub, so that what GitHub tells once has its place. */
export interface CredentialFile {
  readonly path: string;
  /** Returns when the text is on the disk. @throws the system's error. */
  write(text: string): Promise<void>;
  /** Closes it, and removes it unless it was written. */
  close(): Promise<void>;
}

/**
 * Makes the file, empty and for its owner alone.
 * @throws CliError when there is one already, which is never written over, or when it cannot be made.
 */
export async function reserveCredentialFile(path: string): Promise<CredentialFile> {
  const handle = await open(path, "wx", 0o600).catch((error: unknown) => {
    throw cannotMake(path, error);
  });
  const { dev, ino } = await handle.stat();
  const isInPlace = async () => {
    const there = await stat(path).catch(() => undefined);
    return there?.dev === dev && there.ino === ino;
  };
  let isWritten = false;
  return {
    path,
    async write(text) {
      await handle.writeFile(text);
      await handle.sync();
      // People wait in between, and may have removed a file that was still empty.
      if (!(await isInPlace())) await writeFile(path, text, { flag: "wx", mode: 0o600, flush: true });
      isWritten = true;
    },
    async close() {
      if (!isWritten && (await isInPlace())) await rm(path);
      await handle.close();
    },
  };
}

function cannotMake(path: string, cause: unknown): CliError {
  // fs rejects with system errors only.
  const { code = "" } = cause as NodeJS.ErrnoException;
  if (code === "EEXIST") {
    return new CliError("usage", "file-exists", `${path} is there already, and a key is never written over a file.`, {
      remedy: "Move it away, or give another name with --out.",
      cause,
    });
  }
  const why: Readonly<Record<string, string>> = {
    ENOENT: "its folder is not there",
    ENOTDIR: "its folder is a file",
    EACCES: "you may not write there",
    EROFS: "the file system is read-only",
  };
  return new CliError("usage", "unwritable-file", `${path} cannot be made: ${why[code] ?? code}.`, {
    remedy: "Give a name that can be written with --out.",
    cause,
  });
}
