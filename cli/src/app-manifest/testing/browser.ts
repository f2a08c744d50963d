/** What a browser shows. */
interface Shown {
  readonly status: number;
  readonly page: string;
}

/** A form as a page has it. */
export interface Form {
  readonly action: string;
  readonly fields: URLSearchParams;
}

/** The form of the page at this address, as a browser reads it. */
export async function readForm(address: string): Promise<Form> {
  const page = await (await fetch(address)).text();
  const attribute = (pattern: RegExp) => unescape(pattern.exec(page)?.[1] ?? "");
  return {
    action: attribute(/<form action="([^"]*)"/u),
    fields: new URLSearchParams({ manifest: attribute(/name="manifest" value="([^"]*)"/u) }),
  };
}

/** Posts the form, and answers where GitHub sends the browser back to. @throws Error with what GitHub says instead. */
export async function submit({ action, fields }: Form): Promise<URL> {
  const response = await fetch(action, { method: "POST", body: fields, redirect: "manual" });
  const location = response.headers.get("location");
  if (location === null) throw new Error(`GitHub answered ${response.status}: ${await response.text()}`);
  return new URL(location);
}

export async function visit(address: URL | string): Promise<Shown> {
  const response = await fetch(address);
  return { status: response.status, page: await response.text() };
}

/** From the page that the command names, over GitHub, and back. */
export async function makeApp(address: string): Promise<Shown> {
  return visit(await submit(await readForm(address)));
}

function unescape(text: string): string {
  const characters: Readonly<Record<string, string>> = { quot: '"', "#39": "'", lt: "<", gt: ">", amp: "&" };
  return text.replaceAll(/&(quot|#39|lt|gt|amp);/gu, (entity, name: string) => characters[name] ?? entity);
}
