import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { getCACertificates } from "node:tls";
import type { Settings } from "./config.ts";

/**
 * Git's environment, so that it reaches GitHub as our own requests do. It takes certificates as a file, and then no others.
 * @param directory Where that file is put.
 */
export async function gitsWayOut(
  settings: Pick<Settings, "HTTPS_PROXY" | "NO_PROXY" | "OCTOBATCH_GITHUB_CERTIFICATES">,
  directory: string,
): Promise<Readonly<Record<string, string>>> {
  const { HTTPS_PROXY, NO_PROXY, OCTOBATCH_GITHUB_CERTIFICATES } = settings;
  const certificates: Record<string, string> = {};
  if (OCTOBATCH_GITHUB_CERTIFICATES !== undefined) {
    const path = join(directory, "certificates.pem");
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await writeFile(path, [...getCACertificates("default"), OCTOBATCH_GITHUB_CERTIFICATES].join("\n"));
    certificates["GIT_SSL_CAINFO"] = path;
  }
  return {
    ...(HTTPS_PROXY !== undefined && { https_proxy: HTTPS_PROXY }),
    ...(NO_PROXY !== undefined && { no_proxy: NO_PROXY }),
    ...certificates,
  };
}
