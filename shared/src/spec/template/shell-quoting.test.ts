import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { renderRun } from "../template.ts";
import { parseTemplate } from "./parser.ts";
import { quotingFindings } from "./shell-quoting.ts";

/** `@` stands for an expression, to keep scripts short. */
function scriptOf(short: string): string {
  return short.replaceAll("@", "${{ repository.branch }}");
}

function messagesOf(short: string): readonly string[] {
  const script = scriptOf(short);
  return quotingFindings(script, parseTemplate(script).parts).map(({ message }) => message);
}

const readable = [
  'echo "@"',
  "echo @",
  "echo 'quoted' @ 'again' @",
  `echo "it's @"`,
  'echo \\"@',
  'echo "\\\\@"',
  'x="$(echo "@")"; echo "$x"',
  'x="$(echo \')\' "@" \'b\')" # don\'t mind @\necho "@"',
  "echo `echo @` @",
  "# don't\necho @",
  "echo a#'b' @",
  'cat <<EOF\nit\'s "@"\nEOF\necho @',
  "cat <<-EOF\n\tit's @\n\tEOF\necho @",
  "cat <<'A' <<B\nplain 'text\nA\n@\nB\necho @",
  "cat <<EOF\n$(echo 'a b' \"@\")\nEOF",
  "echo $((1 + (2 * 3))) @",
  "echo ${x:-'y'} @",
  `echo "\${x:-it's}" @`,
  "echo $$ @",
  "(echo 'a'; echo @)",
  "echo 'a'\\''b' @",
  "echo 'first line\nsecond line' @",
  "x=${x%\\'} ; echo @",
];

const unreadable: readonly (readonly [string, string])[] = [
  ["echo '@'", "in single quotes the shell does not read the value"],
  ["echo \"$(echo '@')\"", "in single quotes the shell does not read the value"],
  ["awk '{ print \"@\" }'", "in single quotes the shell does not read the value"],
  ["echo '\\' '@'", "in single quotes the shell does not read the value"],
  ["cat <<'EOF'\n@\nEOF", "in a heredoc with a quoted delimiter the shell does not read the value"],
  ["cat <<\\EOF\n@\nEOF", "in a heredoc with a quoted delimiter the shell does not read the value"],
  ['cat <<-"EOF"\n\t@\n\tEOF', "in a heredoc with a quoted delimiter the shell does not read the value"],
  ["x=$(cat <<'EOF'\n@\nEOF\n)", "in a heredoc with a quoted delimiter the shell does not read the value"],
  ["cat <<EOF\n$(echo '@')\nEOF", "in single quotes the shell does not read the value"],
  ["echo \\@", "the backslash before it keeps the shell from reading the value"],
  ['echo "\\@"', "the backslash before it keeps the shell from reading the value"],
  ["echo $@", "the $ before it changes what the shell reads"],
  ["echo $((@ + 1))", "the shell would evaluate the value inside of $(( ))"],
  ["echo $(( (1 + @) ))", "the shell would evaluate the value inside of $(( ))"],
  ["echo ${x:@}", "the shell would evaluate the value inside of ${ }"],
  ["echo $'@'", "in $'…' the shell does not read the value"],
];

describe("an expression in a script", () => {
  test.for(readable)("is read by the shell in %j", (script) => {
    expect(messagesOf(script)).toEqual([]);
  });

  test.for(unreadable)("is refused in %j", ([script, message]) => {
    expect(messagesOf(script)).toEqual([message]);
  });

  test("is found again after each kind of quoting, so that the two lists agree on where quotes end", () => {
    for (const script of readable) expect(messagesOf(`${script}\necho '@'`)).toHaveLength(1);
    for (const [script] of unreadable) expect(messagesOf(`${script}\necho "@"`)).toHaveLength(1);
  });

  test("is never code for a real shell, whatever its value", () => {
    const nasty = "$(touch pwned) `id` ' \" \\ ; & | > < * ~ ${HOME} ${{ repository.name }} \n$x";
    const { script, env } = renderRun(scriptOf('printf %s "@"; cat <<EOF\n@\nEOF'), contextWith(nasty));
    const printed = execFileSync("sh", ["-c", script], {
      env: { ...env, PATH: process.env["PATH"] },
      encoding: "utf8",
    });
    expect(printed).toBe(`${nasty}${nasty}\n`);
  });

  test("means what the scanner says it means to a real shell", () => {
    const value = "VALUE";
    for (const short of readable) {
      const { script, env } = renderRun(scriptOf(short), contextWith(value));
      const printed = execFileSync("sh", ["-c", script], {
        env: { ...env, PATH: process.env["PATH"] },
        encoding: "utf8",
      });
      expect({ short, printed: printed.replaceAll(/\s+/g, " ") }).toEqual({
        short,
        printed: expect.stringContaining(value),
      });
      expect(printed).not.toContain("OCTOBATCH_VALUE");
    }
  });
});

function contextWith(branch: string): Parameters<typeof renderRun>[1] {
  return {
    campaign: { name: "c", description: "" },
    repository: { owner: "acme", name: "widgets", branch },
    workspace: { path: "" },
    steps: { modified_files: [], added_files: [], deleted_files: [], renamed_files: [] },
    outputs: {},
  };
}
