import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { copyFile, link, lstat, mkdir, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { CliError } from "./cli-error.ts";

/** @throws CliError when one of the files is there already: before anything is fetched. */
export async function refuseTaken(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const isTaken = await lstat(path).then(
      () => true,
      () => false,
    );
    if (isTaken) throw taken(path);
  }
}

/**
 * Writes a file that appears whole or not at all, and makes its folder. Without `force` nothing that is there is written
 * over; with it a link is replaced, not followed.
 *
 * @throws CliError when it cannot be written, is there already, or ends too early.
 */
export async function saveFile(
  path: string,
  body: AsyncIterable<Uint8Array>,
  { sizeBytes, force }: { readonly sizeBytes: number; readonly force: boolean },
): Promise<void> {
  const part = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.part`);
  try {
    await mkdir(dirname(path), { recursive: true });
  } catch (error) {
    throw explained(path, error);
  }
  try {
    await write(part, body, sizeBytes);
    await (force ? rename(part, path) : place(part, path));
  } catch (error) {
    throw explained(path, error);
  } finally {
    await rm(part, { force: true });
  }
}

async function write(part: string, body: AsyncIterable<Uint8Array>, sizeBytes: number): Promise<void> {
  const handle = await open(part, "wx");
  try {
    let written = 0;
    for await (const bytes of body) {
      await handle.writeFile(bytes);
      written += bytes.length;
    }
    if (written !== sizeBytes) {
      throw new CliError("unavailable", "cut-off", `The download has ${written} bytes instead of ${sizeBytes}.`, {
        remedy: "Download it again.",
      });
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Gives the file its name, unless somebody else has taken it meanwhile. */
async function place(part: string, path: string): Promise<void> {
  try {
    await link(part, path);
  } catch (error) {
    // fs rejects with system errors only. Some file systems know no links.
    const { code = "" } = error as NodeJS.ErrnoException;
    if (!["EPERM", "ENOSYS", "ENOTSUP"].includes(code)) throw error;
    await copyFile(part, path, constants.COPYFILE_EXCL);
  }
}

function taken(path: string, cause?: unknown): CliError {
  return new CliError("usage", "file-exists", `${path} is there already.`, {
    remedy: "Move it away, choose another folder with --output, or write over it with --force.",
    cause,
  });
}

function explained(path: string, error: unknown): unknown {
  // Only the file system's own errors have a `syscall`: https://nodejs.org/api/errors.html#class-systemerror
  const { code, syscall } = error instanceof Error ? (error as NodeJS.ErrnoException) : {};
  if (syscall === undefined || error instanceof CliError) return error;
  if (code === "EEXIST") return taken(path, error);
  return new CliError("usage", "unwritable-file", `${path} cannot be written (${code}).`, {
    remedy: "Choose a folder that you may write to with --output.",
    cause: error,
  });
}
