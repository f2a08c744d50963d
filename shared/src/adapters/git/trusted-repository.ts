import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Attributes of the repository must not change what we read or write: no line ending conversion, keyword expansion,
 * filter (such as LFS) or re-encoding, no file left out. `info/attributes` outranks every `.gitattributes`.
 */
export const plainAttributes =
  "* -text !eol -ident -filter -working-tree-encoding !diff !merge -export-ignore -export-subst\n";

/**
 * Makes an empty bare repository, without starting git. Its objects may be read by everybody who can reach them. It is a
 * handful of tiny files, so it is done at once: handing each to another thread takes longer.
 */
export function createTrustedRepository(gitDirectory: string): void {
  for (const name of ["objects", "objects/info", "objects/pack"]) {
    mkdirSync(join(gitDirectory, name), { recursive: true });
    // Whatever the umask of this process is.
    chmodSync(join(gitDirectory, name), 0o755);
  }
  for (const name of ["refs/heads", "info"]) mkdirSync(join(gitDirectory, name), { recursive: true });
  writeFileSync(join(gitDirectory, "HEAD"), "ref: refs/heads/base\n");
  writeFileSync(join(gitDirectory, "config"), "[core]\n\trepositoryformatversion = 0\n\tbare = false\n");
  writeFileSync(join(gitDirectory, "info", "attributes"), plainAttributes);
}
