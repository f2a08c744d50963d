import { lstat, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

const manifestSchema = z.object({
  name: z.string(),
  version: z.string(),
  description: z.string().catch(""),
  keywords: z.array(z.string()).catch([]),
  os: z.unknown().optional(),
  cpu: z.unknown().optional(),
});

/** A package as npm installed it, from its manifest alone. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly keywords: readonly string[];
  readonly directory: string;
}

/** A file of a package. Paths are relative with `/`; the mode is git's. */
export interface PackageFile {
  readonly path: string;
  readonly mode: "100644" | "100755" | "120000";
  readonly sizeBytes: number;
}

const MAX_TREE_BYTES = 3 * 1024 * 1024;
const MAX_TREE_FILES = 600;
const BINARY_FILE = /\.(?:node|wasm|png|jpe?g|gif|ico|woff2?|ttf|zip|t?gz|br|so|dylib|exe|dll)$/i;

/**
 * The packages directly under a node_modules folder, by name, without those made for one platform: the same lock file
 * gives the same list on every machine.
 */
export async function installedPackages(nodeModules: string): Promise<readonly InstalledPackage[]> {
  const folders = (await readdir(nodeModules)).filter((folder) => !folder.startsWith("."));
  const names = await Promise.all(
    folders.map(async (folder) =>
      folder.startsWith("@")
        ? (await readdir(join(nodeModules, folder))).map((scoped) => `${folder}/${scoped}`)
        : [folder],
    ),
  );
  const packages = await Promise.all(names.flat().map((name) => readPackage(join(nodeModules, name))));
  return packages.filter((found) => found !== undefined).sort(byName);
}

async function readPackage(directory: string): Promise<InstalledPackage | undefined> {
  const text = await readFile(join(directory, "package.json"), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const manifest = manifestSchema.safeParse(JSON.parse(text));
  if (!manifest.success || manifest.data.os !== undefined || manifest.data.cpu !== undefined) return undefined;
  const { name, version, description, keywords } = manifest.data;
  return { name, version, description, keywords, directory };
}

/**
 * The files of a package in byte order of their paths, without nested dependencies; undefined when the package is too
 * large (3 MiB or 600 files) or mostly binary, and so no repository that a person would browse.
 */
export async function packageFiles(directory: string): Promise<readonly PackageFile[] | undefined> {
  const files: PackageFile[] = [];
  let bytes = 0;
  let binaryBytes = 0;
  const pending = [""];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    for (const entry of await readdir(join(directory, folder), { withFileTypes: true })) {
      if (entry.name === "node_modules" || entry.name === ".git") continue;
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        pending.push(path);
        continue;
      }
      const { size, mode } = await lstat(join(directory, path));
      bytes += size;
      if (BINARY_FILE.test(path)) binaryBytes += size;
      if (files.length === MAX_TREE_FILES || bytes > MAX_TREE_BYTES) return undefined;
      files.push({
        path,
        mode: entry.isSymbolicLink() ? "120000" : (mode & 0o100) === 0 ? "100644" : "100755",
        sizeBytes: size,
      });
    }
  }
  if (files.length === 0 || binaryBytes * 2 > bytes) return undefined;
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function byName(a: InstalledPackage, b: InstalledPackage): number {
  return a.name < b.name ? -1 : 1;
}
