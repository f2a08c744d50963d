/**
 * An attribute's value as an HTTP header carries it: what is not printable ASCII, and space, `"` and `%`, is
 * percent-encoded UTF-8. The SDK leaves this out.
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md#3132-http-header-values
 */
export function encodeHeaderValue(value: string): string {
  // By code point, so that a surrogate pair stays together.
  return value.replace(/[^!#$&-~]/gu, (character) =>
    Buffer.from(character, "utf8").reduce(
      (text, byte) => `${text}%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
      "",
    ),
  );
}

/**
 * The attribute's value in a header: quotes are taken off, percent triplets decoded once, and a stray `%` stays.
 * @throws TypeError when the triplets are not UTF-8.
 */
export function decodeHeaderValue(header: string): string {
  const quoted = /^"(.*)"$/su.exec(header)?.[1];
  const value = quoted === undefined ? header : quoted.replaceAll(/\\(.)/gsu, "$1");
  return value.replaceAll(/(?:%[0-9a-f]{2})+/giu, (triplets) =>
    new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(triplets.replaceAll("%", ""), "hex")),
  );
}
