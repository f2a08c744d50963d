/** A content type, in lower case. */
export interface MediaType {
  /** Without parameters: `application/json`; empty when there is none. */
  readonly name: string;
  /** UTF-8 unless it says otherwise. */
  readonly charset: string;
}

export function parseMediaType(contentType: string): MediaType {
  const [name = "", ...parameters] = contentType
    .toLowerCase()
    .split(";")
    .map((part) => part.trim());
  const charset = parameters.find((parameter) => parameter.startsWith("charset="))?.slice("charset=".length);
  return { name, charset: charset?.replaceAll('"', "") ?? "utf-8" };
}

/** Whether it is JSON, by itself or by its suffix. */
export function isJson({ name }: MediaType): boolean {
  return /^(application|text)\/([^/]+\+)?json$/.test(name);
}

/** Whether its text can be read as UTF-8. */
export function isUtf8({ charset }: MediaType): boolean {
  return ["utf-8", "utf8", "us-ascii"].includes(charset);
}
