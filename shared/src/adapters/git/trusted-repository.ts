import { chmodSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeDirectory } from "./make-directory.ts";

/**
 * Attributes of the repository must not change what we read or write: no line ending conversion, keyword expansion,
 * filter (such as LFS) or re-encoding, no file left out. `info/attributes` outranks every `.gitattributes`.
 */
export const plainAttributes =
  "* -text !eol -ident -filter -working-tree-encoding !diff !merge -export-ignore -export-subst\n";

/**
 * Makes a place for objects in what may become a repository. They may be read by everybody who can reach them. What is there
 * already stays.
 */
export function createObjectStore(gitDirectory: string): void {
  makeDirectory(gitDirectory);
  for (const name of ["objects", "objects/pack"]) {
    makeDirectory(join(gitDirectory, name));
    // Whatever the umask of this process is.
    chmodSync(join(gitDirectory, name), 0o755);
  }
}

/**
 * Makes a bare repository without references, and starts no git for it. It is a handful of tiny files, so it is done at once:
 * handing each to another thread takes longer.
 *
 * @param objectsElsewhere The `objects` of another repository, in which its own are kept as well.
 */
export function createTrustedRepository(gitDirectory: string, objectsElsewhere?: string): void {
  if (objectsElsewhere === undefined) createObjectStore(gitDirectory);
  else if (makeDirectory(gitDirectory)) symlinkSync(objectsElsewhere, join(gitDirectory, "objects"));
  for (const name of ["refs", "info"]) makeDirectory(join(gitDirectory, name));
  writeFileSync(join(gitDirectory, "HEAD"), "ref: refs/heads/base\n");
  writeFileSync(join(gitDirectory, "config"), "[core]\n\trepositoryformatversion = 0\n\tbare = false\n");
  writeFileSync(join(gitDirectory, "info", "attributes"), plainAttributes);
}
