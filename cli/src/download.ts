import { CliError } from "./cli-error.ts";
import { reasonOf, type OpenBody } from "./http-client.ts";
import type { Io } from "./io.ts";

/**
 * Opens an artifact, from the service or from the storage that it points to. The storage gets no token: who has the link may
 * have the file.
 *
 * @throws CliError when it is not there, or cannot be reached.
 */
export async function openDownload(
  open: OpenBody,
  io: Pick<Io, "fetch" | "interrupted">,
  path: string,
): Promise<AsyncIterable<Uint8Array>> {
  const answer = await open(path);
  if (answer.status !== 302) return bodyOf(answer);
  const link = URL.parse(answer.headers.get("location") ?? "");
  if (link === null || !/^https?:$/u.test(link.protocol)) {
    throw new CliError("notUnderstood", "unexpected-answer", "The service leads to a download that has no address.", {
      remedy: "Check that the server and this command are of the same version.",
    });
  }
  let stored: Response;
  try {
    stored = await io.fetch(link, { redirect: "error", signal: io.interrupted });
  } catch (error) {
    io.interrupted.throwIfAborted();
    throw new CliError(
      "unavailable",
      "unreachable",
      `The storage at ${link.host} cannot be reached: ${reasonOf(error)}.`,
      {
        remedy: "The service has downloads fetched from its storage: check that this machine can reach it.",
        cause: error,
      },
    );
  }
  if (stored.ok) return bodyOf(stored);
  throw new CliError("unavailable", "storage-refused", `The storage at ${link.host} answers HTTP ${stored.status}.`, {
    remedy: "Download again: links work for some minutes. If it stays so, look at the storage's settings.",
  });
}

function bodyOf({ body }: Response): AsyncIterable<Uint8Array> {
  return body ?? ReadableStream.from([]);
}
