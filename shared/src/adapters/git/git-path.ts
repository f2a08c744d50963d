const escapes: Readonly<Record<number, string>> = {
  0x07: "\\a",
  0x08: "\\b",
  0x09: "\\t",
  0x0a: "\\n",
  0x0b: "\\v",
  0x0c: "\\f",
  0x0d: "\\r",
  0x22: '\\"',
  0x5c: "\\\\",
};

/** Whether a path, as text, is below a directory whose name is UTF-8. */
export function isBelow(path: string, directory: string): boolean {
  return path.startsWith(path.startsWith('"') ? `"${quote(Buffer.from(directory))}/` : `${directory}/`);
}

/**
 * A path as text: UTF-8 as it is, anything else (and what begins with a quote) as git quotes it, in double quotes with
 * octal escapes. The two never collide, so different paths stay different.
 */
export function pathText(bytes: Buffer): string {
  const text = bytes.toString("utf8");
  // Postgres and JSON consumers refuse nothing but lone surrogates and NUL, neither of which UTF-8 paths contain.
  if (!text.startsWith('"') && Buffer.from(text, "utf8").equals(bytes)) return text;
  return `"${quote(bytes)}"`;
}

function quote(bytes: Buffer): string {
  let quoted = "";
  for (const byte of bytes) {
    const escape = escapes[byte];
    if (escape !== undefined) quoted += escape;
    else if (byte < 0x20 || byte >= 0x7f) quoted += `\\${byte.toString(8).padStart(3, "0")}`;
    else quoted += String.fromCharCode(byte);
  }
  return quoted;
}
