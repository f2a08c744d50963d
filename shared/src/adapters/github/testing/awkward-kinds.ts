import type { CommitWay } from "../../../changeset/plan-commit.ts";

/** A kind of change that tools get wrong. */
export interface AwkwardKind {
  readonly kind: string;
  /** Shell that makes the files of the base commit. */
  readonly base: string;
  /** Shell that changes them, as a step would. */
  readonly change: string;
  /** By which way its commit has to go. */
  readonly way: CommitWay["kind"];
}

const gitlink = "git update-index --add --cacheinfo 160000,1234567890123456789012345678901234567890,sub; mkdir sub";
const gitmodules = String.raw`printf '[submodule "sub"]\n\tpath = sub\n\turl = https://example.invalid/%s.git\n'`;
/** Two thirds of the longest path that Linux takes. */
const longPath = Array.from({ length: 12 }, (_, index) => `${index}`.padEnd(230, "x")).join("/");

export const awkwardKinds: readonly AwkwardKind[] = [
  { kind: "a rename", way: "api", base: "seq 60 > old", change: "mv old new; echo 61 >> new" },
  { kind: "a rename into a new directory", way: "api", base: "seq 60 > a", change: "mkdir -p b/c; mv a b/c/a" },
  {
    kind: "a rename of case alone",
    way: "api",
    base: "seq 60 > README.md; seq 9 > b",
    change: "mv README.md Readme.md",
  },
  { kind: "modes", way: "api", base: "echo a > a; echo b > b; chmod 755 b", change: "chmod 755 a; chmod 644 b" },
  { kind: "a rename with another mode", way: "api", base: "seq 60 > a", change: "mv a b; chmod 755 b" },
  {
    kind: "binary files",
    way: "api",
    base: "head -c 3000 /dev/urandom > kept; head -c 3000 /dev/urandom > gone",
    change: "printf X | dd of=kept bs=1 seek=9 conv=notrunc 2>&1; rm gone; head -c 500 /dev/urandom > new",
  },
  {
    kind: "symlinks",
    way: "api",
    base: "echo a > a; ln -s a moved; ln -s nowhere gone; ln -s a becomes-file; echo b > becomes-link",
    change:
      "ln -sfn /etc/passwd moved; rm gone becomes-file becomes-link; echo c > becomes-file; ln -s a becomes-link; ln -s ../.. new",
  },
  {
    kind: "a submodule that stays, and its .gitmodules",
    way: "api",
    base: `${gitmodules} old > .gitmodules; ${gitlink}`,
    change: `${gitmodules} new > .gitmodules; echo a > a`,
  },
  {
    kind: "a submodule that goes",
    way: "push",
    base: `${gitmodules} old > .gitmodules; echo a > a; ${gitlink}`,
    change: "rm -r sub .gitmodules",
  },
  {
    kind: "a submodule that becomes a file",
    way: "push",
    base: `echo a > a; ${gitlink}`,
    change: "rm -r sub; echo vendored > sub",
  },
  {
    kind: "line ends",
    way: "api",
    base: String.raw`printf '*.txt text eol=crlf\n' > .gitattributes; printf 'a\r\nb\r\n' > dos.txt; printf 'a\nb\n' > unix.txt; printf 'a\r\nb\n' > mixed.txt`,
    change: String.raw`printf 'a\nb\nc\n' > dos.txt; printf 'a\r\nb\r\nc\r\n' > unix.txt; printf 'c\r' >> mixed.txt`,
  },
  {
    kind: "names that are not UTF-8",
    way: "push",
    base: String.raw`echo a > "$(printf 'caf\351.txt')"; echo b > "$(printf 'gone\377')"; echo c > c`,
    change: String.raw`for f in caf*; do echo more >> "$f"; done; rm gone*; mv c "$(printf 'd\200/e' | tr / _)"`,
  },
  {
    kind: "names with quotes, backslashes, tabs and line feeds",
    way: "push",
    base: String.raw`echo a > '"quoted"'; echo b > 'back\slash'; echo c > "$(printf 'tab\tand\nline')"`,
    change: String.raw`for f in *; do echo more >> "$f"; done; echo new > "$(printf 'a\n"b"\\c')"`,
  },
  {
    kind: "names with spaces, Unicode and what shells and patterns mean something by",
    way: "api",
    base: `mkdir 'a b'; echo a > 'a b/ ünïcode 文.txt'; echo b > '*?[a]'; echo c > '-n'; echo d > '$HOME;#'`,
    change: `for f in a*/*; do echo more >> "$f"; done; rm -- '*?[a]'; echo e >> ./-n; mv ./'$HOME;#' ':(glob)**'`,
  },
  {
    kind: "a name in both forms of Unicode",
    way: "api",
    base: String.raw`echo composed > "$(printf 'caf\303\251')"`,
    change: String.raw`echo decomposed > "$(printf 'cafe\314\201')"`,
  },
  {
    kind: "LFS pointers",
    way: "api",
    base: `printf '*.bin filter=lfs diff=lfs merge=lfs -text\n' > .gitattributes
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize 12345\n' 1 > model.bin`,
    change: String.raw`printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize 6\n' 2 > model.bin; echo raw > raw.bin`,
  },
  {
    kind: "a very long path",
    way: "api",
    base: "echo a > a",
    change: `mkdir -p ${longPath}; echo deep > ${longPath}/file`,
  },
  { kind: "empty files", way: "api", base: ": > empty; echo a > full; : > gone", change: ": > full; : > new; rm gone" },
  {
    kind: "files without a line feed at the end",
    way: "api",
    base: "printf a > both; printf b > gets-one; echo c > loses-one; printf d > gone",
    change: "printf aa > both; echo b > gets-one; printf c > loses-one; rm gone; printf new > new",
  },
  {
    kind: "a large file",
    way: "push",
    base: "echo a > a",
    change: "head -c 22000000 /dev/zero > large; echo b >> a",
  },
  {
    kind: "a directory that goes",
    way: "api",
    base: "mkdir -p dir/deep; seq 9 > dir/a; seq 8 > dir/deep/b; echo c > c",
    change: "rm -r dir",
  },
  {
    kind: "directories and files that take each other's place",
    way: "api",
    base: "mkdir was-directory; seq 9 > was-directory/a; seq 20 30 > was-file",
    change: "rm -r was-directory was-file; echo a > was-directory; mkdir was-file; echo b > was-file/b",
  },
  {
    kind: "attributes that leave files out, rewrite or re-encode them",
    way: "api",
    base: String.raw`printf 'hidden export-ignore\nsubst export-subst\nident ident\n*.js -diff\nutf16 working-tree-encoding=UTF-16\n' > .gitattributes
echo a > hidden; printf '$Format:%%H$\n' > subst; printf '$Id$\n' > ident; echo b > min.js; echo c > utf16`,
    change: String.raw`echo more >> hidden; echo more >> subst; echo more >> ident; echo more >> min.js; echo more >> utf16`,
  },
  {
    kind: "text that looks like a patch",
    way: "api",
    base: String.raw`printf 'diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+new\n' > sample.diff`,
    change: String.raw`printf -- '-- a\n++ b\ndiff --git a/y b/y\n\\ No newline at end of file\nGIT binary patch\n' > sample.diff`,
  },
];
