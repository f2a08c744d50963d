/** The secrets of one execution, in every form in which a program is likely to print them. */
export interface Redactor {
  /** A copy for text that is there as a whole. */
  redactText(text: string): string;
  /** For a stream: what may be passed on of the bytes so far. Keeps back what could be the beginning of a secret. */
  stream(): { push(chunk: Buffer): Buffer; end(): Buffer };
  /** The name of a secret that the bytes contain, if any. */
  find(bytes: Uint8Array): string | undefined;
}

/** Shorter values would redact half of every log. */
export const shortestSecretBytes = 4;

/**
 * Secrets become `***NAME***`: plain, JSON-escaped, URL-encoded, in hexadecimal, and base64 at every alignment, with or
 * without line breaks, so also inside of a longer encoded text such as `user:secret`.
 */
export function createRedactor(secrets: ReadonlyMap<string, string>): Redactor {
  const forms = [...secrets].flatMap(([name, value]) => formsOf(name, value));
  if (forms.length === 0) return passThrough;
  forms.sort((a, b) => b.text.length - a.text.length);
  // Bytes are matched as latin1, one character a byte, so that cut or invalid UTF-8 does no harm.
  const expression = new RegExp(forms.map((form) => `(${patternOf(form)})`).join("|"), "g");
  const nameOf = (groups: readonly unknown[]): string =>
    forms[groups.findIndex((group) => group !== undefined)]?.name ?? "SECRET";
  const replace = (text: string): string =>
    text.replace(expression, (_match, ...groups: unknown[]) => `***${nameOf(groups.slice(0, forms.length))}***`);
  const longest = Math.max(...forms.map((form) => (form.kind === "wrapped" ? 3 : 1) * form.text.length));
  /** Where the first text begins that more bytes could make a secret. */
  const unsettledAt = (text: string): number => {
    for (let at = Math.max(0, text.length - longest + 1); at < text.length; at += 1) {
      if (forms.some((form) => couldBegin(form, text, at))) return at;
    }
    return text.length;
  };

  return {
    redactText: (text) => Buffer.from(replace(Buffer.from(text).toString("latin1")), "latin1").toString("utf8"),
    find(bytes) {
      expression.lastIndex = 0;
      const match = expression.exec(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1"));
      expression.lastIndex = 0;
      return match === null ? undefined : nameOf(match.slice(1));
    },
    stream() {
      let held = "";
      return {
        push(chunk) {
          const text = held + chunk.toString("latin1");
          let cut = unsettledAt(text);
          // A whole secret may end in what could be the beginning of another.
          for (const match of text.matchAll(expression)) {
            const end = match.index + match[0].length;
            if (match.index < cut && end > cut) cut = end;
          }
          held = text.slice(cut);
          return Buffer.from(replace(text.slice(0, cut)), "latin1");
        },
        end() {
          const rest = replace(held);
          held = "";
          return Buffer.from(rest, "latin1");
        },
      };
    },
  };
}

const passThrough: Redactor = {
  redactText: (text) => text,
  find: () => undefined,
  stream: () => ({ push: (chunk) => chunk, end: () => Buffer.alloc(0) }),
};

/** One spelling of a secret: to the letter, in either case, or with line breaks anywhere in it. */
interface Form {
  /** Of the secret. */
  readonly name: string;
  readonly kind: "literal" | "any-case" | "wrapped";
  readonly text: string;
}

function formsOf(name: string, value: string): Form[] {
  const bytes = Buffer.from(value);
  const encoded = encodeURIComponent(value);
  // A log shows the lines of a key one by one, with indentation or other text between them.
  const lines = value.split(/\r?\n/).filter((line) => line.trim().length >= 16);
  const plain = [value, value.trim(), JSON.stringify(value).slice(1, -1), encoded, encoded.replaceAll("%20", "+")];
  const literal = [...plain, ...lines.map((line) => line.trim())].map((text) => Buffer.from(text).toString("latin1"));
  const percent = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
  const base64 = [0, 1, 2].map((shift) => base64Core(bytes, shift));
  const urlSafe = base64.map((digits) => digits.replaceAll("+", "-").replaceAll("/", "_"));
  const unique = (kind: Form["kind"], texts: readonly string[]): Form[] =>
    [...new Set(texts)].filter((text) => text.length >= shortestSecretBytes).map((text) => ({ name, kind, text }));
  return [
    ...unique("literal", literal),
    ...unique("any-case", [bytes.toString("hex"), percent]),
    ...unique("wrapped", [...base64, ...urlSafe]),
  ];
}

function patternOf({ kind, text }: Form): string {
  if (kind === "any-case") return text.replaceAll(/[a-f]/g, (letter) => `[${letter}${letter.toUpperCase()}]`);
  if (kind === "wrapped") return text.split("").map(escapePattern).join("(?:\\r?\\n)?");
  return escapePattern(text);
}

/** Whether the text from `at` to its end is a beginning of the form, and not yet all of it. */
function couldBegin({ kind, text: form }: Form, text: string, at: number): boolean {
  let matched = 0;
  for (let index = at; index < text.length; index += 1) {
    const letter = text.charAt(index);
    if (kind === "wrapped" && matched > 0 && (letter === "\n" || letter === "\r")) continue;
    if ((kind === "any-case" ? letter.toLowerCase() : letter) !== form.charAt(matched)) return false;
    matched += 1;
  }
  return matched < form.length;
}

/** The base64 digits that depend on these bytes alone when `shift` unknown bytes stand before them. */
function base64Core(bytes: Buffer, shift: number): string {
  const digits = Buffer.concat([Buffer.alloc(shift), bytes])
    .toString("base64")
    .replace(/=+$/, "");
  const total = shift + bytes.length;
  const first = shift === 0 ? 0 : shift + 1;
  // The last digit of an incomplete group is shared with whatever follows.
  const last = total % 3 === 0 ? digits.length : digits.length - 1;
  return digits.slice(first, last);
}

function escapePattern(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/-]/g, String.raw`\$&`);
}
